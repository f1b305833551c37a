import random
from collections import Counter
from pathlib import Path

import optuna
import pytest

from nas.candidate import Candidate
from nas.errors import MeasurementError, StudyError
from nas.records import Evaluation, Failure, FailureKind, TrialState
from nas.samplers import SAMPLERS
from nas.search.driver import Driver
from nas.study.storage import open_storage, sqlite_url
from tests.toy_search import ToySpace, finish, open_toy_study, run_inline, toy_accuracy, toy_costs, toy_driver


def states(driver: Driver) -> Counter[TrialState]:
    return Counter(trial.state for trial in driver.trials)


@pytest.mark.parametrize("sampler", sorted(SAMPLERS))
def test_a_search_trains_exactly_the_asked_number_of_distinct_candidates(tmp_path: Path, sampler: str) -> None:
    driver = toy_driver(tmp_path, trials=14, sampler=sampler, space=ToySpace(learning_rate=False))
    run_inline(driver)
    trained = [trial for trial in driver.trials if trial.state is TrialState.COMPLETE]
    assert len({trial.candidate.digest for trial in trained}) == len(trained) == 14


def test_baselines_come_first(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=5)
    run_inline(driver)
    assert [trial.baseline for trial in driver.trials][:3] == ["Toy 8", "Toy 16", None]


def test_a_repeat_takes_over_the_outcome_of_the_first_and_is_not_trained(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=18, space=ToySpace(learning_rate=False))
    run_inline(driver)
    reused = [trial for trial in driver.trials if trial.state is TrialState.REUSED]
    assert reused, "18 of 20 networks cannot be drawn at random without a repeat"
    for trial in reused:
        assert trial.reused_from is not None
        first = driver.trials[trial.reused_from]
        assert first.candidate.digest == trial.candidate.digest
        assert first.outcome == trial.outcome


def test_a_repeat_of_what_is_in_training_waits_for_it(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=18, space=ToySpace(learning_rate=False))
    tasks = []
    while (task := driver.next_task()) is not None:
        tasks.append(task)
    waiting = [t for t in driver.trials if t.state is TrialState.RUNNING and t.reused_from is not None]
    assert waiting
    for task in tasks:
        finish(driver, task)
    assert driver.finished
    assert states(driver)[TrialState.RUNNING] == 0
    assert all(driver.trials[trial.number].outcome is not None for trial in waiting)


def test_an_exhausted_space_ends_the_search(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=100, space=ToySpace(widths=(8, 16), learning_rate=False))
    run_inline(driver)
    assert driver.ended == "every further proposal is known or over a limit"
    assert states(driver)[TrialState.COMPLETE] == 2 * (1 + 4), "two widths, fixed or learned with four ranks"


def test_what_is_over_a_limit_is_recorded_and_never_handed_out(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=10, limits={"macs": 300_000.0})
    run_inline(driver)
    refused = [trial for trial in driver.trials if trial.state is TrialState.INFEASIBLE]
    assert refused
    assert all(trial.costs["macs"] > 300_000 and trial.violations for trial in refused)
    assert states(driver)[TrialState.COMPLETE] == 10
    assert all(driver.trials[number].costs["macs"] <= 300_000 for number in driver.front().trials)


def test_a_lost_worker_costs_a_second_try_and_then_a_failure(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=1)
    task = driver.next_task()
    assert task is not None
    driver.on_lost(task.trial, "killed")
    assert driver.next_task() == task
    driver.on_lost(task.trial, "killed again")
    assert driver.next_task() is None
    assert driver.finished
    outcome = driver.trials[0].outcome
    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.CRASHED


def test_failures_count_as_trained_and_stay_off_the_front(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=4)
    while (task := driver.next_task()) is not None:
        driver.on_outcome(task.trial, Failure(kind=FailureKind.DIVERGED, message="loss is nan"))
    assert driver.finished
    assert states(driver) == {TrialState.FAILED: 4}
    assert len(driver.front()) == 0


def test_the_front_is_cheapest_first_in_the_users_units(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=12)
    run_inline(driver)
    front = driver.front()
    macs = [values[1] for values in front.values]
    accuracy = [values[0] for values in front.values]
    assert macs == sorted(macs)
    assert accuracy == sorted(accuracy)
    for number, values in zip(front.trials, front.values, strict=True):
        candidate = driver.trials[number].candidate
        assert values == (toy_accuracy(candidate), toy_costs(candidate)["macs"])


@pytest.mark.parametrize("sampler", ["random", "random_logbins", "nsga2", "tpe", "known_cost"])
def test_a_search_that_was_interrupted_anywhere_proposes_what_the_uninterrupted_one_does(
    tmp_path: Path, sampler: str
) -> None:
    whole = toy_driver(tmp_path / "whole", trials=24, sampler=sampler)
    run_inline(whole)
    draw = random.Random(3)
    while True:
        driver = toy_driver(tmp_path / "parts", trials=24, sampler=sampler)
        for _ in range(draw.randint(1, 6)):
            task = driver.next_task()
            if task is None:
                break
            if draw.random() < 0.3:
                break  # the driver dies with this task in training
            finish(driver, task)
        if driver.finished:
            break
    assert [trial.genotype for trial in driver.trials] == [trial.genotype for trial in whole.trials]
    assert states(driver)[TrialState.RUNNING] == 0


def test_a_reopened_study_is_equal_to_the_one_that_was_closed(tmp_path: Path) -> None:
    space = ToySpace(learning_rate=False)
    driver = toy_driver(tmp_path, trials=12, space=space, limits={"macs": 2e6})
    run_inline(driver)
    again = toy_driver(tmp_path, trials=12, space=space, limits={"macs": 2e6})
    assert again.trials == driver.trials
    assert again.finished


def test_more_trials_can_be_asked_for_later(tmp_path: Path) -> None:
    run_inline(toy_driver(tmp_path, trials=5))
    driver = toy_driver(tmp_path, trials=9)
    assert not driver.finished
    run_inline(driver)
    assert states(driver)[TrialState.COMPLETE] == 9


def test_a_study_with_another_identity_is_refused_and_the_differing_settings_named(tmp_path: Path) -> None:
    open_toy_study(tmp_path, ToySpace(), {"search.seed": 0, "data.name": "digits"})
    with pytest.raises(StudyError, match=r"search\.seed: there 0, asked 1") as caught:
        open_toy_study(tmp_path, ToySpace(), {"search.seed": 1, "data.name": "digits"})
    assert "data.name" not in str(caught.value)


def test_the_study_is_an_ordinary_optuna_study(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=10, space=ToySpace(learning_rate=False), limits={"macs": 2e6})
    run_inline(driver)
    study = optuna.load_study(study_name="toy", storage=open_storage(sqlite_url(tmp_path / "study.db")))
    optuna_states = {
        TrialState.COMPLETE: "COMPLETE",
        TrialState.REUSED: "COMPLETE",
        TrialState.INFEASIBLE: "PRUNED",
    }
    assert [trial.state.name for trial in study.trials] == [optuna_states[trial.state] for trial in driver.trials]
    for ours, theirs in zip(driver.trials, study.trials, strict=True):
        assert theirs.params == ours.genotype
        assert all(value <= 0 for value in theirs.constraints.values()) == (ours.state is not TrialState.INFEASIBLE)
        if isinstance(ours.outcome, Evaluation):
            assert theirs.values == [ours.values()["accuracy"], ours.values()["macs"]]
    assert {trial.number for trial in study.best_trials} >= set(driver.front().trials)


def test_an_outcome_written_just_before_the_driver_died_is_kept(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=1)
    task = driver.next_task()
    assert task is not None
    storage = open_storage(sqlite_url(tmp_path / "study.db"))
    (frozen,) = storage.get_all_trials(storage.get_study_id_from_name("toy"))
    outcome = {
        "measurements": {"accuracy": {"mean": 50.0, "std": 0.0, "n": 1}},
        "seconds": 1.0,
        "epochs": 3,
        "details": {},
    }
    storage.set_trial_user_attr(frozen._trial_id, "outcome", outcome)
    again = toy_driver(tmp_path, trials=1)
    assert again.finished
    assert again.trials[0].state is TrialState.COMPLETE
    assert again.trials[0].values()["accuracy"] == 50.0


def expected_costs(candidate: Candidate) -> dict[str, float]:
    """A latency that is expected to be a millisecond, whatever the network."""
    return {**toy_costs(candidate), "latency": 1.0}


def test_what_can_be_measured_is_measured_once_before_training_and_counts(tmp_path: Path) -> None:
    asked: list[str] = []

    def measure(candidate: Candidate) -> dict[str, float]:
        asked.append(candidate.digest)
        return {"latency": float(str(candidate.architecture["width"]))}

    driver = toy_driver(
        tmp_path, trials=8, space=ToySpace(learning_rate=False), costs=expected_costs, measure=measure,
        limits={"latency": 20.0},
    )  # fmt: skip
    run_inline(driver)
    infeasible = [trial for trial in driver.trials if trial.state is TrialState.INFEASIBLE]
    assert {trial.candidate.architecture["width"] for trial in infeasible} == {32, 64}
    assert infeasible[0].violations[0].startswith("latency ")
    assert infeasible[0].violations[0].endswith(" ms is over the limit 20 ms")
    for trial in driver.trials:
        assert trial.costs["latency"] == trial.candidate.architecture["width"], (
            "repeats have what their first was measured at"
        )
    trained = [trial for trial in driver.trials if trial.state is TrialState.COMPLETE]
    assert len(trained) == 8
    assert all(asked.count(trial.candidate.digest) == 1 for trial in trained)
    assert any(trial.state is TrialState.REUSED for trial in driver.trials)


def test_a_measurement_that_is_refused_ends_the_search_and_the_next_driver_asks_anew(tmp_path: Path) -> None:
    def refuse(candidate: Candidate) -> dict[str, float]:
        raise MeasurementError("others use the device")

    with pytest.raises(MeasurementError):
        toy_driver(tmp_path, trials=4, costs=expected_costs, measure=refuse).next_task()
    driver = toy_driver(tmp_path, trials=4, costs=expected_costs, measure=lambda candidate: {"latency": 2.0})
    run_inline(driver)
    assert states(driver)[TrialState.COMPLETE] == 4
    assert {trial.costs["latency"] for trial in driver.trials} == {2.0}
