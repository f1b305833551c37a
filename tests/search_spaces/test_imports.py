from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "optuna", "ray", "pandas", "numpy", "datasets", "evaluator"):
            raise ImportError(f"{name} was imported")

sys.meta_path.insert(0, Refuse())
"""


@pytest.mark.parametrize(
    "statement",
    [
        "import search_spaces, search_spaces.blocks; search_spaces.blocks.BLOCKS['fixed']",
        "import search_spaces.settings",
        "from search_spaces import compact, load_model",
        # All of a space but its networks works without torch: what the engine needs to propose and to read a study.
        "import search_spaces as s; space = s.make_space(s.space_settings(), image_size=32, channels=3, classes=10); "
        "[space.decode(g) for g in space.baselines().values()]; s.space_from_json(space.settings())",
    ],
)
def test_declaring_spaces_imports_no_library(statement: str) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT + statement], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
