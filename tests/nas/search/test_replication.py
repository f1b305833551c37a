"""Members of the front are trained again, with other seeds, and nothing else changes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from nas.records import Failure, FailureKind, Task, TrialState
from nas.search.driver import Driver
from nas.search.estimates import Estimates
from tests.toy_search import ToySpace, finish, toy_accuracy, toy_driver

SPACE = ToySpace(widths=(8, 12, 16, 24, 32))


def noise(task: Task) -> float:
    """Of a training: the same for the same network and seed."""
    return float(int(f"{task.candidate.digest[:6]}", 16) * (task.seed % 1009) % 400) / 100 - 2


def run(driver: Driver, most: int = 1000) -> list[Task]:
    tasks: list[Task] = []
    while not driver.finished and len(tasks) < most:
        task = driver.next_task()
        if task is None:
            break
        tasks.append(task)
        finish(driver, task, toy_accuracy(task.candidate) + noise(task))
    return tasks


def trainings(driver: Driver) -> Counter[int]:
    return Counter(trial.first for trial in driver.trained())


def test_in_the_end_every_member_of_the_front_has_had_all_its_trainings(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=24, space=SPACE, replicates=3)
    tasks = run(driver)
    assert driver.finished
    front = Estimates(SPACE, driver.objectives, driver.trials).front
    assert {trainings(driver)[number] for number in front.trials} == {3}
    assert max(trainings(driver).values()) == 3
    candidates = [trial for trial in driver.trained() if trial.replicate_of is None]
    assert len(candidates) == 24, "trainings of known candidates are not counted as trials"
    by_candidate: dict[str, set[int]] = {}
    for task in tasks:
        by_candidate.setdefault(task.candidate.digest, set()).add(task.seed)
    assert {len(seeds) for seeds in by_candidate.values()} == set(trainings(driver).values()), (
        "each with a seed of its own"
    )


def test_they_take_a_quarter_of_the_trainings_while_candidates_are_searched(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=60, space=SPACE, replicates=3)
    while driver.handed_out < 60:
        run(driver, most=1)
    again = sum(trial.replicate_of is not None for trial in driver.trained())
    assert 10 < again <= (60 - 8) / 3 + 1


def test_a_driver_that_takes_over_goes_on_in_the_same_way(tmp_path: Path) -> None:
    whole = toy_driver(tmp_path / "whole", trials=16, space=SPACE, replicates=2)
    run(whole)
    first = toy_driver(tmp_path / "cut", trials=16, space=SPACE, replicates=2)
    run(first, most=13)
    left = first.next_task()
    assert left is not None
    first.close()
    second = toy_driver(tmp_path / "cut", trials=16, space=SPACE, replicates=2)
    again = second.next_task()
    assert again == left
    finish(second, again, toy_accuracy(again.candidate) + noise(again))
    run(second)
    assert [(t.candidate.digest, t.replicate_of, t.values()) for t in second.trials] == [
        (t.candidate.digest, t.replicate_of, t.values()) for t in whole.trials
    ]


@pytest.mark.parametrize("replicates", [1, 2])
def test_a_further_training_that_fails_is_not_tried_for_ever(tmp_path: Path, replicates: int) -> None:
    driver = toy_driver(tmp_path, trials=12, space=SPACE, replicates=replicates)
    count = 0
    while not driver.finished and (task := driver.next_task()) is not None:
        count += 1
        assert count < 100
        if driver.trials[task.trial].replicate_of is None:
            finish(driver, task)
        else:
            driver.on_outcome(task.trial, Failure(kind=FailureKind.DIVERGED, message="loss is nan"))
    failed = [trial for trial in driver.trials if trial.state is TrialState.FAILED]
    assert bool(failed) == (replicates > 1)
    assert all(trial.replicate_of is not None for trial in failed)
