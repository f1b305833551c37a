"""The examples run as the documentation says."""

from __future__ import annotations

import json
import os
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


PYTHON_SEARCH = """
from run_search import ready_settings, search
from search_spaces import load_model

front = search(ready_settings("quickstart", {"search.trials": 8, "output": "runs/mine"}))
print(front.trials, front.values)
network = load_model(f"runs/mine/models/{front.trials[-1]}")  # the most accurate network
"""
PYTHON_MODEL = """
import pandas as pd
import torch
from search_spaces import load_model

trial = pd.read_csv("runs/mine/pareto.csv")["trial"].iloc[-1]  # the last row is the most accurate network
network = load_model(f"runs/mine/models/{trial}", compact=True)
program = torch.export.export(network, (torch.zeros(1, 1, 8, 8),))
"""


@pytest.mark.slow
def test_a_search_from_python_and_its_models_are_as_short_as_told(tmp_path: Path) -> None:
    quick = PYTHON_SEARCH.replace('"search.trials": 8', '"search.trials": 2, "train.epochs": 1')
    for program in (quick, PYTHON_MODEL):
        at_folder = program.replace("runs/mine", str(tmp_path / "mine"))
        run("-c", f"{at_folder}\nassert sum(each.numel() for each in network.parameters()) > 1000")


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
