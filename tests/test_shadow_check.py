import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def started(folder: Path, code: str, name: str = "-c") -> subprocess.CompletedProcess[str]:
    """Python as a notebook starts it: the current folder comes before our packages."""
    program = f"import sys; sys.argv[0] = {name!r}; {code}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("hidden", ["nas/__init__.py", "evaluator.py", "search_spaces/__init__.py", "image_search.py"])
def test_a_file_that_hides_a_package_is_named_beside_it(tmp_path: Path, hidden: str) -> None:
    file = tmp_path / hidden
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine = 1\n")
    done = started(tmp_path, "import run_search")
    last = done.stderr.splitlines()[-1]
    name = hidden.partition("/")[0].removesuffix(".py")
    assert done.returncode == 1
    assert last.startswith("ImportError: a file has the name of a package of this program: ")
    assert str(file) in last
    assert f"hides {ROOT / name}" in last
    installed = started(tmp_path, "import shadow_check", name="/usr/bin/shufflenas")
    assert installed.returncode == 2
    assert installed.stderr.splitlines() == ["error: " + last.removeprefix("ImportError: ")]


def test_a_folder_that_is_no_package_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "nas").mkdir()
    (tmp_path / "evaluator").mkdir()
    done = started(tmp_path, "import shadow_check; print(shadow_check.shadows())")
    assert done.stdout == "[]\n", done.stderr


def test_the_command_of_the_source_tree_does_not_care_for_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "evaluator.py").write_text("raise SystemExit('mine')\n")
    command = [sys.executable, str(ROOT / "run_search.py"), "--search.trials", "0"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "error: --search.trials: must be 1 or more, got 0\n")
