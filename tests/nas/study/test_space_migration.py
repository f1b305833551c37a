"""A space that has grown keeps the trials of its study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest

from nas.candidate import Candidate
from nas.dimensions import Choice, IntRange
from nas.engines.virtual_time import VirtualTimeEngine
from nas.errors import StudyError
from nas.ports import Tell
from nas.records import Evaluation, Measurement, Outcome, Task, TrialState
from nas.search.driver import Driver
from nas.search.own_search import make_driver
from nas.simple_space import SimpleSpace
from nas.study.storage import open_storage, sqlite_url
from tests.toy_search import toy_objectives

WIDTH = Choice(name="width", choices=(8, 16, 32))
WIDER = Choice(name="width", choices=(8, 16, 32, 64))
DEPTH = IntRange(name="depth", low=1, high=4)


def space(*dimensions: Any, former: dict[str, Any] | None = None) -> SimpleSpace:
    return SimpleSpace("nets", *dimensions, former=former)


def costs(candidate: Candidate) -> dict[str, float]:
    """Two units deep where there is no decision about it."""
    return {"macs": 1e4 * float(candidate.architecture["width"]) * float(candidate.architecture.get("depth", 2))}  # type: ignore[arg-type]


class Evaluator:
    """Counts what it trains."""

    def __init__(self) -> None:
        self.trained: list[int] = []

    def evaluate(self, task: Task, progress: Tell) -> Outcome:
        self.trained.append(task.trial)
        accuracy = 20.0 + 10 * costs(task.candidate)["macs"] ** 0.1
        return Evaluation(measurements={"accuracy": Measurement(mean=accuracy)}, seconds=1.0, epochs=1)


def search(database: Path, of: SimpleSpace, trials: int, sampler: str = "random") -> tuple[Driver, Evaluator]:
    driver = make_driver(of, toy_objectives(), costs, trials=trials, sampler=sampler, database=database)
    evaluator = Evaluator()
    VirtualTimeEngine(evaluator).run(driver)
    driver.close()
    return driver, evaluator


def stored(database: Path) -> dict[str, list[optuna.trial.FrozenTrial]]:
    storage = open_storage(sqlite_url(database))
    return {
        name: optuna.load_study(study_name=name, storage=storage).trials
        for name in sorted(optuna.get_all_study_names(storage))
    }


@pytest.mark.parametrize("sampler", ["random", "known_cost", "tpe"])
def test_a_decision_is_added_in_the_same_study(tmp_path: Path, sampler: str) -> None:
    database = tmp_path / "study.db"
    before, _ = search(database, space(WIDTH), 3)
    after, evaluator = search(database, space(WIDTH, DEPTH, former={"depth": 2}), 8, sampler)
    assert list(stored(database)) == ["search"]
    assert [trial.outcome for trial in after.trials[: len(before.trials)]] == [trial.outcome for trial in before.trials]
    assert {trial.genotype["depth"] for trial in after.trials[: len(before.trials)]} == {2}
    assert len(evaluator.trained) == 5
    known = {trial.candidate.digest for trial in before.trials}
    assert not known & {
        trial.candidate.digest for trial in after.trials[len(before.trials) :] if trial.reused_from is None
    }
    repeats = [t for t in after.trials if t.reused_from is not None and t.reused_from < len(before.trials)]
    assert all(trial.genotype["depth"] == 2 for trial in repeats)
    again, evaluator = search(database, space(WIDTH, DEPTH, former={"depth": 2}), 8, sampler)
    assert evaluator.trained == []
    assert again.trials == after.trials


def test_a_decision_with_more_choices_makes_a_new_study_with_all_trials(tmp_path: Path) -> None:
    database = tmp_path / "study.db"
    before, _ = search(database, space(WIDTH, DEPTH), 6)
    after, evaluator = search(database, space(WIDER, DEPTH), 12)
    studies = stored(database)
    assert list(studies) == ["search", "search-2"]
    assert len(studies["search"]) == len(before.trials)
    assert after.trials[: len(before.trials)] == before.trials
    assert len(evaluator.trained) == 6
    assert 64 in {trial.genotype["width"] for trial in after.trials}
    values = [trial.values for trial in studies["search-2"][: len(before.trials)]]
    assert values == [trial.values for trial in studies["search"]]
    _, evaluator = search(database, space(WIDER, DEPTH), 12)
    assert evaluator.trained == []
    third, evaluator = search(
        database, space(WIDER, DEPTH, Choice(name="mixer", choices=("a", "b")), former={"mixer": "a"}), 13
    )
    assert list(stored(database)) == ["search", "search-2"]
    assert len(evaluator.trained) == 1
    assert len([trial for trial in third.trials if trial.state is TrialState.COMPLETE]) == 13


def test_what_a_killed_process_left_out_is_taken_over_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "study.db"
    before, _ = search(database, space(WIDTH, DEPTH), 8)
    from nas.study.study import Study

    add, count = Study.add, 0

    def dies(self: Study, *given: Any) -> None:
        nonlocal count
        count += 1
        if count > 4:
            raise KeyboardInterrupt
        add(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Study, "add", dies)
        with pytest.raises(KeyboardInterrupt):
            search(database, space(WIDER, DEPTH), 8)
    assert len(stored(database)["search-2"]) == 4
    monkeypatch.setattr("nas.study.study_holder._is_alive", lambda holder: False)
    after, evaluator = search(database, space(WIDER, DEPTH), 8)
    assert after.trials == before.trials
    assert evaluator.trained == []


@pytest.mark.parametrize(
    ("second", "told"),
    [
        (space(Choice(name="width", choices=(64, 128)), DEPTH), "width = "),
        (space(WIDTH), "unknown decision 'depth'"),
        (space(WIDTH, DEPTH, Choice(name="mixer", choices=("a", "b"))), "missing decision 'mixer'"),
    ],
)
def test_a_space_that_does_not_hold_the_trials_is_refused(tmp_path: Path, second: SimpleSpace, told: str) -> None:
    database = tmp_path / "study.db"
    search(database, space(WIDTH, DEPTH), 4)
    with pytest.raises(StudyError, match="nothing was changed") as error:
        search(database, second, 8)
    assert told in str(error.value)
    assert list(stored(database)) == ["search"]
    _, evaluator = search(database, space(WIDTH, DEPTH), 5)
    assert len(evaluator.trained) == 1, "the study goes on as before"
