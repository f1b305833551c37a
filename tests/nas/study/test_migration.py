"""A study is continued by those that say, or show, that they go on with its trials; names decide nothing."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Literal

import optuna
import pytest

from nas.cost_rule import CostRule
from nas.dimensions import Choice, FloatRange, IntRange
from nas.errors import StudyError
from nas.records import Evaluation, Measurement
from nas.search.problem import SearchProblem
from nas.simple_space import SimpleSpace
from nas.study.migration import open_study
from nas.study.storage import close_storage, open_storage, sqlite_url
from nas.study.stored_study import GROWN_FROM, SUCCEEDS
from nas.study.study import Study
from tests.toy_search import toy_accuracy, toy_costs, toy_driver, toy_objectives

RATE = FloatRange(name="lr", low=0.01, high=1.0, log=True)
SECONDS = itertools.count(1)
"""No two trainings take as long."""
MIXER = Choice(name="mixer", choices=("fixed",))


def space(widths: tuple[int, ...], *, ranks: bool = False) -> SimpleSpace:
    of_all = (Choice(name="width", choices=widths), MIXER, RATE)
    if not ranks:
        return SimpleSpace("toy", *of_all)
    return SimpleSpace("toy", *of_all, IntRange(name="rank", low=0, high=3), former={"rank": 0})


def opened(url: str, name: str, of: SimpleSpace, seed: int = 0) -> Study:
    problem = SearchProblem(space=of, costs=toy_costs, limits={}, seed=seed)
    identity = {"space": of.settings(), "seed": seed}
    storage = open_storage(url)
    try:
        return open_study(storage, name, toy_objectives(), identity, problem, CostRule(costs=toy_costs))
    except StudyError:
        close_storage(storage)
        raise


def searched(folder: Path, url: str, name: str, of: SimpleSpace, trials: int, seed: int = 0) -> Study:
    study = opened(url, name, of, seed)
    driver = toy_driver(folder, study=study, space=of, trials=trials, seed=seed)
    while (task := driver.next_task()) is not None:
        measured = Measurement(mean=toy_accuracy(task.candidate), std=40.0, n=100)
        driver.on_outcome(
            task.trial, Evaluation(measurements={"accuracy": measured}, seconds=next(SECONDS) / 7, epochs=3)
        )
    assert driver.finished
    study.close()
    return study


@pytest.fixture
def url(tmp_path: Path) -> str:
    return sqlite_url(tmp_path / "studies.db")


def without(url: str, name: str, key: str) -> None:
    """As an earlier version, which did not write it down, would have left the study."""
    storage = open_storage(url)
    storage.set_study_user_attr(storage.get_study_id_from_name(name), key, None)
    close_storage(storage)


def test_a_study_that_has_grown_by_itself_is_no_successor_of_another(tmp_path: Path, url: str) -> None:
    first = searched(tmp_path, url, "c10", space((8, 16)), 4)
    searched(tmp_path, url, "c10-2", space((8, 32)), 3, seed=1)
    other = searched(tmp_path, url, "c10-2", space((8, 32), ranks=True), 5, seed=1)
    assert other.name == "c10-2"
    more = searched(tmp_path, url, "c10", space((8, 16)), 5)
    assert (more.name, list(more)[: len(first)]) == ("c10", list(first))
    # Also where what tells it apart is its trials alone: it has the settings of the first.
    searched(tmp_path, url, "d", space((8, 16)), 4)
    searched(tmp_path, url, "d-2", space((8, 16)), 5)
    again = searched(tmp_path, url, "d-2", space((8, 16), ranks=True), 6)
    assert again.name == "d-2"
    assert searched(tmp_path, url, "d", space((8, 16)), 5).name == "d"


def test_a_successor_of_before_is_known_by_the_trials_that_it_took_over(tmp_path: Path, url: str) -> None:
    searched(tmp_path, url, "c10", space((8, 16)), 4)
    grown = searched(tmp_path, url, "c10", space((8, 16, 32)), 6)
    assert grown.name == "c10-2"
    without(url, "c10-2", SUCCEEDS)
    assert optuna.load_study(study_name="c10-2", storage=open_storage(url)).user_attrs[GROWN_FROM]
    more = searched(tmp_path, url, "c10", space((8, 16, 32)), 7)
    assert (more.name, list(more)[: len(grown)]) == ("c10-2", list(grown))


def test_a_search_is_not_begun_inside_the_successor_of_another(tmp_path: Path, url: str) -> None:
    searched(tmp_path, url, "c10", space((8, 16)), 3)
    grown = searched(tmp_path, url, "c10", space((8, 16, 32)), 4)
    with pytest.raises(StudyError, match=r"'c10-2' goes on with the trials of 'c10'"):
        opened(url, "c10-2", space((8, 16, 32)))
    assert list(searched(tmp_path, url, "c10", space((8, 16, 32)), 4)) == list(grown)


@pytest.mark.parametrize("directions", [["minimize", "minimize"], ["maximize"], ["minimize", "maximize"]])
def test_an_empty_study_with_other_objectives_is_refused(
    url: str, directions: list[Literal["minimize", "maximize"]]
) -> None:
    optuna.create_study(study_name="c10", storage=open_storage(url), directions=directions)
    with pytest.raises(StudyError, match=r"it has other objectives, .*; this search has accuracy \(maximize\), macs"):
        opened(url, "c10", space((8, 16)))
    assert optuna.load_study(study_name="c10", storage=open_storage(url)).user_attrs == {}


def test_the_name_of_a_successor_that_somebody_else_has_is_passed_over(tmp_path: Path, url: str) -> None:
    first = searched(tmp_path, url, "c10", space((8, 16)), 3)
    other = optuna.create_study(study_name="c10-2", storage=open_storage(url), directions=["minimize"])
    other.add_trial(optuna.trial.create_trial(value=1.0))
    grown = searched(tmp_path, url, "c10", space((8, 16, 32)), 3)
    assert (grown.name, len(grown)) == ("c10-3", len(first))
    assert len(optuna.load_study(study_name="c10-2", storage=open_storage(url)).trials) == 1
