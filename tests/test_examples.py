"""The examples run as the documentation says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parent.parent


def run(*words: str, **environment: str) -> str:
    path = os.pathsep.join((str(ROOT), str(ROOT / "examples")))
    command = [sys.executable, *words]
    environment = {**os.environ, "PYTHONPATH": path, **environment}
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert "[I " not in done.stderr, "Optuna announces its studies, of which nobody need know"
    return done.stdout


@pytest.mark.slow
def test_the_example_finds_a_front() -> None:
    lines = [line.split() for line in run("examples/own_space.py").splitlines() if "multiply-adds" in line]
    accuracies, costs = [float(line[0]) for line in lines], [int(line[2].replace(",", "")) for line in lines]
    assert len(lines) >= 3
    assert accuracies == sorted(accuracies)
    assert costs == sorted(costs)
    assert accuracies[-1] > 95


def test_an_error_is_minimized_on_two_workers_to_a_report(tmp_path: Path) -> None:
    run("examples/own_error.py", str(tmp_path / "run"))
    front = pd.read_csv(tmp_path / "run" / "pareto.csv")
    assert len(front) >= 3
    assert front["nodes"].is_monotonic_increasing
    assert front["expected_error"].is_monotonic_decreasing
    assert front["error"].min() < 10
    assert sum(pd.read_csv(tmp_path / "run" / "trials.csv")["state"] == "complete") == 24
    assert len(list((tmp_path / "run" / "logs").iterdir())) == 2


def python_of(page: str) -> list[str]:
    """The Python programs of a page, in their order."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search by the Python program of the README, made shorter."""
    (program,) = (each for each in python_of("README.md") if "ready_settings" in each)
    output = tmp_path_factory.mktemp("made") / "mine"
    quick = program.replace('"search.trials": 8', '"search.trials": 2, "train.epochs": 2')
    run("-c", quick.replace("runs/mine", str(output)))
    return output


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/searching.md"])
def test_models_are_loaded_as_the_pages_say(made: Path, page: str) -> None:
    programs = [each for each in python_of(page) if "load_model" in each]
    assert programs
    for program in programs:
        here = program.replace("runs/quickstart", str(made))
        run("-c", f"{here}\nassert sum(each.numel() for each in network.parameters()) > 1000")


@pytest.mark.slow
def test_the_words_of_the_readme_do_what_they_say(made: Path, tmp_path: Path) -> None:
    commands = re.findall(
        r"^\.venv/bin/shufflenas (\w+) runs/quickstart(.*?)(?:  #.*)?$", (ROOT / "README.md").read_text(), re.M
    )
    assert {verb for verb, _ in commands} == {"pick", "retrain", "export"}
    shorter = {"retrain": ["--epochs", "1", "--seeds", "1"], "export": ["--out", str(tmp_path / "network.onnx")]}
    for verb, flags in commands:
        run("run_search.py", verb, str(made), *flags.split(), *shorter.get(verb, []))
    assert (made / "retrained.csv").is_file()
    assert len(list(tmp_path.glob("*.onnx"))) == 2


@pytest.mark.slow
def test_networks_learn_from_a_teacher_too(tmp_path: Path) -> None:
    small = ["--space.widths", "[8]", "--space.units", "[[1],[1],[1]]", "--search.workers", "1", "--device", "cpu"]
    quick = [*small, "--search.sampler", "random", "--train.epochs", "2", "--search.trials", "2"]
    run("run_search.py", *quick, "--output", str(tmp_path / "plain"))
    taught = ["--train.loss", "distillation:make_loss", "--output", str(tmp_path / "taught")]
    run("run_search.py", *quick, *taught, TEACHER=str(tmp_path / "plain" / "models" / "0"))
    first, second = (pd.read_csv(tmp_path / name / "trials.csv") for name in ("plain", "taught"))
    assert list(first["digest"]) == list(second["digest"])
    assert list(first["cross_entropy"]) != list(second["cross_entropy"])
    assert "distillation:make_loss" in (tmp_path / "taught" / "config.yaml").read_text()
    document = json.loads((tmp_path / "taught" / "pareto.json").read_text())
    assert document["members"]
