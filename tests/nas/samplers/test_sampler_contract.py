"""What every sampler must do in a study as ours are: trials of every kind, decisions without effect, several workers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nas.early_stopping import StoppingRule
from nas.early_stopping.curves import Curves
from nas.records import Evaluation, Failure, FailureKind, Measurement, Progress, Task, TrialState
from nas.samplers import SAMPLERS
from nas.search.driver import Driver
from tests.toy_search import ToySpace, finish, open_toy_study, toy_driver

EVERY = pytest.mark.parametrize("sampler", sorted(SAMPLERS))
SPACE = ToySpace(widths=(8, 12, 16, 24, 32, 48, 64))
LIMITS = {"macs": 3e6}


class EveryFifth(StoppingRule):
    """Pauses every fifth trial for good."""

    def pauses(self, curves: Curves, trial: int, epochs: int) -> bool:
        return trial % 5 == 4


def eventful(folder: Path, sampler: str, *, trials: int = 24, workers: int = 3, pausing: bool = True) -> Driver:
    """A search in which every fifth training fails, another fifth is stopped, and three candidates run at any time."""
    driver = toy_driver(
        folder,
        trials=trials,
        epochs=2,
        space=SPACE,
        sampler=sampler,
        limits=LIMITS,
        stopping=EveryFifth() if pausing else None,
    )
    running: list[Task] = []
    while not driver.finished:
        while len(running) < workers and (task := driver.next_task()) is not None:
            running.append(task)
        if not running:  # what was paused has just been stopped
            continue
        task = running.pop(0)
        if task.trial % 5 == 3:
            driver.on_outcome(task.trial, Failure(kind=FailureKind.DIVERGED, message="loss is nan"))
        elif driver.on_progress(Progress(trial=task.trial, epochs=1, value=20.0)):
            finish(driver, task)
        else:
            partial = Evaluation(measurements={"accuracy": Measurement(mean=20.0)}, seconds=1.0, epochs=1)
            driver.on_outcome(task.trial, partial)
    return driver


def genotypes(driver: Driver) -> list[Mapping[str, Any]]:
    return [trial.genotype for trial in driver.trials]


@EVERY
def test_proposals_stay_in_the_domain_whatever_becomes_of_trials(tmp_path: Path, sampler: str) -> None:
    driver = eventful(tmp_path, sampler, trials=15 if sampler == "gp" else 24)  # gp takes half a second for each
    states = {trial.state for trial in driver.trials}
    assert {TrialState.COMPLETE, TrialState.FAILED, TrialState.STOPPED} <= states
    for genotype in genotypes(driver):
        SPACE.check(genotype)
    trained = [trial for trial in driver.trials if trial.state is not TrialState.INFEASIBLE]
    assert max(trial.costs["macs"] for trial in trained) <= LIMITS["macs"]


@EVERY
def test_equal_seeds_give_equal_studies(tmp_path: Path, sampler: str) -> None:
    first, second = (eventful(tmp_path / name, sampler, trials=14) for name in ("a", "b"))
    assert genotypes(first) == genotypes(second)


@pytest.mark.parametrize(
    "sampler",
    [pytest.param(name, marks=[] if name == "known_cost" else pytest.mark.slow) for name in sorted(SAMPLERS)],
)
def test_another_process_goes_on_as_this_one_would(tmp_path: Path, sampler: str) -> None:
    """Without paused trials: a search that has come to its end has given them up, one that goes on has not."""
    program = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from pathlib import Path
from tests.nas.samplers.test_sampler_contract import eventful
eventful(Path({str(tmp_path / "there")!r}), {sampler!r}, trials=int(sys.argv[1]), workers=1, pausing=False).close()
"""
    for trials in (12, 14):
        subprocess.run([sys.executable, "-c", program, str(trials)], check=True, capture_output=True)
    there = [trial.genotype for trial in open_toy_study(tmp_path / "there", SPACE)]
    assert there == genotypes(eventful(tmp_path / "here", sampler, trials=14, workers=1, pausing=False))
