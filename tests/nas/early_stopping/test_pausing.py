"""Pausing, going on and stopping, in the driver and in both engines."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from nas.early_stopping import StoppingRule
from nas.early_stopping.curves import Curves
from nas.engines.local import LocalEngine
from nas.engines.virtual_time import Faults, VirtualTimeEngine
from nas.records import Evaluation, TrialState
from nas.search.driver import Driver
from nas.study.storage import open_storage, sqlite_url
from tests.toy_search import ToyEvaluator, ToySpace, toy_driver, toy_worker

SPACE = ToySpace(widths=(8, 12, 16, 24, 32, 48, 64))


class Narrow(StoppingRule):
    """Pauses networks of which the accuracy is below a bar; the bar falls once so many have ended."""

    def __init__(self, falls_after: int = 10**9) -> None:
        self.falls_after = falls_after

    def pauses(self, curves: Curves, trial: int, epochs: int) -> bool:
        return len(curves.complete()) < self.falls_after and curves[trial].rungs[epochs] < 70


def evaluator(folder: Path) -> ToyEvaluator:
    folder.mkdir(exist_ok=True)
    return ToyEvaluator(str(folder), 0.0, [], [])


def epochs_trained(folder: Path) -> list[str]:
    return (folder / "epochs.log").read_text().splitlines()


@pytest.mark.parametrize("workers", [1, 3])
def test_paused_trials_are_stopped_at_the_end_and_never_on_the_front(tmp_path: Path, workers: int) -> None:
    driver = toy_driver(tmp_path, trials=16, epochs=9, space=SPACE, stopping=Narrow())
    VirtualTimeEngine(evaluator(tmp_path / "work"), workers=workers, seconds=lambda task, outcome: 9.0).run(driver)
    stopped = [trial for trial in driver.trials if trial.state is TrialState.STOPPED]
    complete = [trial for trial in driver.trials if trial.state is TrialState.COMPLETE]
    assert len(stopped) + len(complete) == 16
    assert len(stopped) >= 3
    assert {trial.outcome.epochs for trial in stopped if isinstance(trial.outcome, Evaluation)} == {1}
    assert {trial.outcome.epochs for trial in complete if isinstance(trial.outcome, Evaluation)} == {9}
    assert set(driver.front().trials) <= {trial.number for trial in complete}


def test_a_paused_trial_goes_on_when_its_bound_recovers_and_pays_the_rest_only(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=16, epochs=9, space=SPACE, stopping=Narrow(falls_after=5))
    engine = VirtualTimeEngine(evaluator(tmp_path / "work"), seconds=lambda task, outcome: 9.0)
    engine.run(driver)
    assert all(trial.state is TrialState.COMPLETE for trial in driver.trials)
    assert engine.epochs == 16 * 9
    assert engine.busy == engine.now == pytest.approx(16 * 9)


def test_the_local_engine_pauses_and_goes_on_from_checkpoints(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=12, epochs=9, space=SPACE, stopping=Narrow(falls_after=3))
    work = tmp_path / "work"
    LocalEngine(toy_worker(work), workers=2, logs=tmp_path / "logs").run(driver, lambda: None)
    assert all(trial.state is TrialState.COMPLETE for trial in driver.trials)
    trained = epochs_trained(work)
    assert len(trained) == len(set(trained)) == 12 * 9  # no epoch twice
    driver = toy_driver(tmp_path / "never", trials=12, epochs=9, space=SPACE, stopping=Narrow())
    LocalEngine(toy_worker(tmp_path / "never_work"), workers=2, logs=tmp_path / "logs").run(driver, lambda: None)
    assert {trial.state for trial in driver.trials} == {TrialState.COMPLETE, TrialState.STOPPED}


def test_another_driver_finds_paused_trials_paused(tmp_path: Path) -> None:
    first = toy_driver(tmp_path, trials=10, epochs=9, space=SPACE, stopping=Narrow())
    worker = evaluator(tmp_path / "work")
    for _ in range(6):
        task = first.next_task()
        assert task is not None
        first.on_outcome(task.trial, worker.evaluate(task, first.on_progress))
    assert first.paused
    first.close()
    second = toy_driver(tmp_path, trials=10, epochs=9, space=SPACE, stopping=Narrow())
    assert second.paused == first.paused
    VirtualTimeEngine(evaluator(tmp_path / "work")).run(second)
    assert second.finished
    assert {trial.state for trial in second.trials} == {TrialState.COMPLETE, TrialState.STOPPED}


def test_crashes_and_stragglers_cost_time_and_no_trial(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=16, epochs=9, space=SPACE, stopping=Narrow(falls_after=5))
    faults = Faults(crashes=0.1, stragglers=0.2, slowdown=4.0, seed=1)
    engine = VirtualTimeEngine(evaluator(tmp_path / "work"), workers=4, seconds=lambda *_: 9.0, faults=faults)
    engine.run(driver)
    ended = [trial for trial in driver.trials if trial.state in (TrialState.COMPLETE, TrialState.FAILED)]
    assert len(ended) == 16
    assert engine.busy > 16 * 9
    assert 0 < engine.utilization <= 1


def test_repeats_of_a_paused_trial_wait_and_end_as_it_does(tmp_path: Path) -> None:
    space = ToySpace(widths=(8, 12, 16), learning_rate=False)  # 15 candidates, so that random draws repeat them

    def driver() -> Driver:
        return toy_driver(tmp_path, trials=12, epochs=9, space=space, stopping=Narrow())

    first = driver()
    worker = evaluator(tmp_path / "work")
    while not any(trial.reused_from in first.paused for trial in first.trials):
        task = first.next_task()
        assert task is not None
        first.on_outcome(task.trial, worker.evaluate(task, first.on_progress))
    assert all(trial.state is TrialState.RUNNING for trial in first.trials if trial.reused_from in first.paused)
    first.close()
    second = driver()
    assert second.paused == first.paused
    VirtualTimeEngine(evaluator(tmp_path / "work")).run(second)
    second.close()
    stored = optuna.load_study(study_name="toy", storage=open_storage(sqlite_url(tmp_path / "study.db"))).trials
    repeats = [(trial, trial.reused_from) for trial in second.trials if trial.reused_from is not None]
    assert TrialState.STOPPED in {second.trials[first_of_it].state for _, first_of_it in repeats}
    for trial, first_of_it in repeats:
        assert trial.state is TrialState.REUSED
        assert stored[trial.number].state is stored[first_of_it].state
        assert stored[trial.number].values == stored[first_of_it].values


def test_another_driver_lets_go_on_what_may_go_on(tmp_path: Path) -> None:
    first = toy_driver(tmp_path, trials=6, epochs=9, space=SPACE, stopping=Narrow())
    VirtualTimeEngine(evaluator(tmp_path / "work")).run(first, lambda: None)
    assert TrialState.STOPPED in {trial.state for trial in first.trials}
    paused = toy_driver(tmp_path / "b", trials=6, epochs=9, space=SPACE, stopping=Narrow())
    engine = VirtualTimeEngine(evaluator(tmp_path / "work_b"))
    while not paused._pauses.waiting:
        task = paused.next_task()
        assert task is not None
        engine._begin(task, "accuracy")
        while engine._stops:
            *_, number, epochs = engine._stops.pop()
            engine._arrive(paused, engine._trainings[number], epochs)
    paused.close()
    calm = toy_driver(tmp_path / "b", trials=6, epochs=9, space=SPACE, stopping=Narrow(falls_after=0))
    assert not calm._pauses.waiting
    VirtualTimeEngine(evaluator(tmp_path / "work_b")).run(calm)
    assert {trial.state for trial in calm.trials} == {TrialState.COMPLETE}
