"""Candidates that crash one after the other, seen by the driver."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from nas.early_stopping import StoppingRule
from nas.early_stopping.curves import Curves
from nas.engines.virtual_time import VirtualTimeEngine
from nas.errors import CrashStreakError
from nas.records import Evaluation, Failure, FailureKind, Progress, Task, TrialState
from nas.search.driver import Driver
from nas.search.endings import within_epochs
from tests.toy_search import ToyEvaluator, ToySpace, finish, run_inline, toy_driver, toy_evaluation

SEGFAULT = "the worker process died (SIGSEGV: Segmentation fault)"


def states(driver: Driver) -> list[TrialState]:
    return [trial.state for trial in driver.trials]


def begin(driver: Driver) -> Task:
    task = driver.next_task()
    assert task is not None
    return task


def crash(driver: Driver, task: Task, message: str = SEGFAULT, epochs: int = 0) -> None:
    driver.on_outcome(task.trial, Failure(kind=FailureKind.CRASHED, message=message, epochs=epochs))


def fail(driver: Driver, task: Task, kind: FailureKind) -> None:
    driver.on_outcome(task.trial, Failure(kind=kind, message="its own fault"))


def crash_three(driver: Driver) -> list[int]:
    """The third stops the search."""
    tasks = [begin(driver)]
    for _ in range(2):
        crash(driver, tasks[-1])
        tasks.append(begin(driver))
    with pytest.raises(CrashStreakError):
        crash(driver, tasks[-1])
    return [task.trial for task in tasks]


def test_three_crashes_in_a_row_stop_the_search_and_are_recorded_against_nobody(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=8)
    finish(driver, begin(driver))
    for message in (SEGFAULT, SEGFAULT):
        crash(driver, begin(driver), message)
    with pytest.raises(CrashStreakError) as caught:
        crash(driver, begin(driver), "RuntimeError: could not create\na primitive")
    assert str(caught.value).startswith(
        f"trials 1, 2 and 3 crashed one after the other ({SEGFAULT}; RuntimeError: could not create a primitive)"
    )
    assert "the same command tries them again" in str(caught.value)
    assert states(driver) == [TrialState.COMPLETE, *[TrialState.RUNNING] * 3]
    assert not driver.finished


def test_the_next_start_tries_them_again_stops_again_and_uses_no_trial_up(tmp_path: Path) -> None:
    finish(driver := toy_driver(tmp_path, trials=8), begin(driver))
    for _ in range(4):
        assert crash_three(driver) == [1, 2, 3]
        driver.close()
        driver = toy_driver(tmp_path, trials=8)
        assert states(driver) == [TrialState.COMPLETE, *[TrialState.RUNNING] * 3]
    run_inline(driver)
    assert driver.finished
    assert states(driver) == [TrialState.COMPLETE] * 8


def test_the_same_driver_may_go_on_too(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=4)
    for _ in range(2):
        tasks = [begin(driver) for _ in range(3)]
        for task in tasks:
            driver.on_lost(task.trial, SEGFAULT)
        assert [begin(driver) for _ in range(3)] == tasks, "a loss of before the stop does not count"
        for task in tasks[:2]:
            driver.on_lost(task.trial, SEGFAULT)
        with pytest.raises(CrashStreakError):
            driver.on_lost(tasks[2].trial, SEGFAULT)
    run_inline(driver)
    assert states(driver) == [TrialState.COMPLETE] * 4


def test_a_crash_between_good_trainings_is_a_failure_of_its_candidate(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=9)
    while (task := driver.next_task()) is not None:
        if task.trial % 3:
            crash(driver, task)
        else:
            finish(driver, task)
    assert driver.finished
    assert states(driver) == [TrialState.COMPLETE, TrialState.FAILED, TrialState.FAILED] * 3
    outcome = driver.trials[1].outcome
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.message) == (FailureKind.CRASHED, SEGFAULT)
    assert toy_driver(tmp_path, trials=9).trials == driver.trials, "as the study has it"


@pytest.mark.parametrize("trials", [1, 2])
def test_fewer_than_three_candidates_that_all_crash_are_failures(tmp_path: Path, trials: int) -> None:
    driver = toy_driver(tmp_path, trials=trials)
    while (task := driver.next_task()) is not None:
        crash(driver, task)
    assert driver.finished
    assert states(driver) == [TrialState.FAILED] * trials


@pytest.mark.parametrize("kind", sorted(set(FailureKind) - {FailureKind.CRASHED}))
def test_failures_of_other_kinds_neither_count_nor_acquit(tmp_path: Path, kind: FailureKind) -> None:
    driver = toy_driver(tmp_path, trials=9)
    for _ in range(2):
        fail(driver, begin(driver), kind)
        crash(driver, begin(driver))
        fail(driver, begin(driver), kind)
    with pytest.raises(CrashStreakError, match="trials 1, 4 and 6 crashed"):
        crash(driver, begin(driver))
    assert Counter(states(driver)) == {TrialState.FAILED: 4, TrialState.RUNNING: 3}


def test_a_worker_that_gave_no_sign_of_life_is_no_crash(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=5)
    while (task := driver.next_task()) is not None:
        driver.on_lost(task.trial, "no sign of life", FailureKind.TIMED_OUT)
    assert states(driver) == [TrialState.FAILED] * 5
    assert {trial.outcome.kind for trial in driver.trials if isinstance(trial.outcome, Failure)} == {
        FailureKind.TIMED_OUT
    }


def test_with_several_workers_the_row_is_that_of_the_ends(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=9)
    first, second, third, fourth, fifth = (begin(driver) for _ in range(5))
    crash(driver, third)
    crash(driver, fifth)
    finish(driver, first)  # begun before them, and it shows that what trains them is well
    assert states(driver)[:5] == [
        TrialState.COMPLETE, TrialState.RUNNING, TrialState.FAILED, TrialState.RUNNING, TrialState.FAILED,
    ]  # fmt: skip
    for task in (second, fourth):
        driver.on_lost(task.trial, SEGFAULT)
    again = [begin(driver), begin(driver)]
    assert again == [second, fourth]
    crash(driver, begin(driver), "ValueError: odd")
    driver.on_lost(second.trial, SEGFAULT)
    with pytest.raises(CrashStreakError, match=r"trials 1, 3 and 5 crashed one after the other \(ValueError: odd; the"):
        driver.on_lost(fourth.trial, SEGFAULT)


class PauseAll(StoppingRule):
    def pauses(self, curves: Curves, trial: int, epochs: int) -> bool:
        return True


def test_a_training_that_is_paused_has_given_a_result(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=9, epochs=9, stopping=PauseAll())
    crashed = [begin(driver), begin(driver)]
    for task in crashed:
        crash(driver, task)
    paused = begin(driver)
    assert driver.on_progress(Progress(trial=paused.trial, epochs=1, value=50.0)) is False
    driver.on_outcome(paused.trial, toy_evaluation(paused, 1))
    assert states(driver) == [TrialState.FAILED, TrialState.FAILED, TrialState.RUNNING]


def test_repeats_of_a_crashed_candidate_end_as_it_does_and_not_before(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=15, space=ToySpace(widths=(8, 12, 16), learning_rate=False))
    tasks = [begin(driver) for _ in range(15)]
    repeats = [trial for trial in driver.trials if trial.reused_from is not None]
    assert repeats, "15 of 15 networks cannot be drawn at random without a repeat"
    (first,) = [task for task in tasks if task.trial == repeats[0].reused_from]
    crash(driver, first)
    assert driver.trials[repeats[0].number].state is TrialState.RUNNING
    finish(driver, next(task for task in tasks if task is not first))
    repeat = driver.trials[repeats[0].number]
    assert repeat.state is TrialState.REUSED
    assert isinstance(repeat.outcome, Failure)


def test_the_epochs_of_crashes_that_are_undecided_are_spent(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=9, epochs=3, endings=[within_epochs(8, 3)])
    for _ in range(2):
        crash(driver, begin(driver), epochs=3)
    assert driver.next_task() is None, "6 epochs are paid, and another training takes 3"
    assert driver.finished
    assert states(driver) == [TrialState.FAILED] * 2


class Crashing(ToyEvaluator):
    """Known candidates are trained again with success; the last new one crashes."""

    def evaluate(self, task: Task, progress: object) -> Evaluation | Failure:
        if task.trial == 2:
            return Failure(kind=FailureKind.CRASHED, message=SEGFAULT)
        return toy_evaluation(task, task.budget.epochs)


def test_a_crash_at_the_end_leaves_the_search_finished_with_replicates_too(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=3, replicates=2)
    VirtualTimeEngine(Crashing(str(tmp_path), 0.0, [], [])).run(driver)
    assert driver.finished
    assert driver.trials[2].state is TrialState.FAILED
    assert [trial.replicate_of for trial in driver.trials[3:]] == [0, 1]
