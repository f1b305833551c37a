"""What can be imported where, each in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(program: str, *blocked: str) -> None:
    blocks = "".join(f"sys.modules[{name!r}] = None\n" for name in blocked)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{blocks}{program}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ["evaluator", "evaluator.cores", "evaluator.settings", "evaluator.sources.registry"])
def test_these_import_the_standard_library_alone(module: str) -> None:
    run(f"import {module}", "torch", "numpy", "datasets", "pandas", "optuna", "ray", "PIL", "tqdm", "sklearn")


def test_data_imports_neither_torch_nor_datasets() -> None:
    run("import evaluator.images.data", "torch", "datasets", "PIL", "sklearn", "tqdm", "pandas")


def test_the_worker_imports_without_what_only_the_engine_needs() -> None:
    run(
        "import evaluator.worker, evaluator.measuring.cost, evaluator.training.probe",
        *("optuna", "ray", "pandas", "jsonargparse", "datasets", "search_spaces", "matplotlib"),
    )


def test_a_machine_with_the_decoded_set_alone_can_load_it(tmp_path: Path) -> None:
    program = (
        f"from evaluator.settings import DataSettings\nfrom evaluator.images.data import load\n"
        f"assert len(load(DataSettings(cache={str(tmp_path)!r}), 0).train) == 1457"
    )
    run(program)
    run(program, "datasets", "PIL", "sklearn", "tqdm")
