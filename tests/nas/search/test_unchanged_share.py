"""Unchanged networks are searched too, with their share of the proposals."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import optuna
import pytest

from nas.dimensions import Scalar
from nas.records import Trial
from nas.samplers import SAMPLERS
from nas.search.driver import Driver
from nas.study.storage import open_storage, sqlite_url
from search_spaces import make_space, space_settings
from search_spaces.spaces import SPACES
from tests.search_spaces.genotypes import draw
from tests.toy_search import ToySpace, run_inline, toy_driver


class ComparedSpace(ToySpace):
    """Networks with the fixed mixer are what the others are compared with."""

    def unchanged(self) -> Mapping[str, Scalar]:
        return {"mixer": "fixed"}


SPACE = ComparedSpace(widths=(8, 12, 16, 24, 32, 48, 64))


def search(folder: Path, *, trials: int = 22, share: float = 0.25, sampler: str = "known_cost") -> Driver:
    driver = toy_driver(folder, space=SPACE, trials=trials, sampler=sampler, unchanged_share=share)
    run_inline(driver)
    driver.close()
    return driver


def proposed(driver: Driver) -> list[Trial]:
    return [trial for trial in driver.trials if trial.baseline is None and trial.reused_from is None]


def is_unchanged(trial: Trial) -> bool:
    return trial.genotype["mixer"] == "fixed"


@pytest.mark.parametrize("sampler", sorted(set(SAMPLERS) - {"gp"}))
def test_every_fourth_proposal_is_unchanged_at_least_and_its_rate_is_searched(tmp_path: Path, sampler: str) -> None:
    found = proposed(search(tmp_path, sampler=sampler))
    assert len(found) == 20
    for count in range(1, 21):
        assert sum(map(is_unchanged, found[:count])) >= count // 4
    rates = {trial.genotype["lr"] for trial in found if is_unchanged(trial)}
    assert len(rates) >= 5


def test_without_a_share_nothing_is_fixed(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, space=SPACE, trials=22, sampler="random", unchanged_share=0.0)
    plain = toy_driver(tmp_path / "plain", space=ToySpace(widths=SPACE.widths), trials=22, sampler="random")
    run_inline(driver)
    run_inline(plain)
    assert [trial.genotype for trial in driver.trials] == [trial.genotype for trial in plain.trials]


def test_what_is_recorded_is_what_was_trained(tmp_path: Path) -> None:
    driver = search(tmp_path)
    stored = optuna.load_study(study_name="toy", storage=open_storage(sqlite_url(tmp_path / "study.db"))).trials
    assert [trial.params for trial in stored] == [dict(trial.genotype) for trial in driver.trials]


@pytest.mark.parametrize("sampler", ["known_cost", "tpe"])
def test_a_search_that_was_stopped_goes_on_as_one_that_was_not(tmp_path: Path, sampler: str) -> None:
    search(tmp_path / "twice", trials=9, sampler=sampler)
    again = search(tmp_path / "twice", sampler=sampler)
    once = search(tmp_path / "once", sampler=sampler)
    assert [trial.genotype for trial in again.trials] == [trial.genotype for trial in once.trials]


def test_a_space_of_few_unchanged_networks_does_not_hold_up_the_search(tmp_path: Path) -> None:
    class OneUnchanged(ToySpace):
        def unchanged(self) -> Mapping[str, Scalar]:
            return {"mixer": "fixed", "width": 8, "rank": 0}

    space = OneUnchanged(widths=(8, 12, 16), learning_rate=False)
    driver = toy_driver(tmp_path, space=space, trials=12, sampler="random", unchanged_share=0.5)
    run_inline(driver)
    assert driver.handed_out == 12


@pytest.mark.parametrize("name", sorted(SPACES))
def test_with_the_decisions_of_a_space_any_genotype_is_of_an_unchanged_network(name: str) -> None:
    space = make_space(space_settings(name=name), image_size=32, channels=3, classes=10)
    fixed = space.unchanged()
    unchanged_kinds = space.legend().unchanged_kinds
    rng = random.Random(0)
    assert fixed
    for _ in range(20):
        candidate = space.decode({**draw(space, rng), **fixed})
        assert space.portrait(candidate).kind in unchanged_kinds


def test_a_space_that_does_not_offer_the_unchanged_network_fixes_nothing() -> None:
    settings = space_settings(name="shufflenet_v2", mixers=("dynamic", "static"))
    space = make_space(settings, image_size=32, channels=3, classes=10)
    assert space.unchanged() == {}
    assert space.baselines() == {}
