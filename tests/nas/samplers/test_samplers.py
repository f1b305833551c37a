import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from nas.errors import SettingsError
from nas.samplers import sampler_factory
from nas.samplers.stratified import BINS
from nas.search.limits import check_limits
from nas.search.problem import SearchProblem
from tests.toy_search import ToySpace, run_inline, toy_costs, toy_driver


def problem(**limits: float) -> SearchProblem:
    return SearchProblem(space=ToySpace(widths=tuple(range(8, 129))), costs=toy_costs, limits=limits, seed=0)


def test_an_unknown_sampler_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(
        SettingsError, match=r"did you mean 'nsga2'.*gp, known_cost, nsga2, random, random_logbins, tpe"
    ):
        sampler_factory("nsga")


def test_stratified_draws_fill_every_cost_bin_alike(tmp_path: Path) -> None:
    space = ToySpace(widths=tuple(range(8, 129)))
    driver = toy_driver(tmp_path, trials=5 * BINS, space=space, sampler="random_logbins")
    run_inline(driver)
    low, high = problem().log_cost_range
    logs = [math.log10(trial.costs["macs"]) for trial in driver.trials if trial.baseline is None]
    bins = Counter(min(max(int((log - low) / (high - low) * BINS), 0), BINS - 1) for log in logs)
    assert set(bins) == set(range(BINS))
    assert max(bins.values()) <= 5 + 1


def test_draws_stay_in_the_domain() -> None:
    space = ToySpace()
    rng = np.random.default_rng(0)
    drawer = SearchProblem(space=space, costs=toy_costs, limits={}, seed=0)
    drawn = [drawer.draw(rng) for _ in range(200)]
    for genotype in drawn:
        space.check(genotype)
    assert {genotype["rank"] for genotype in drawn} == {0, 1, 2, 3}


def test_a_limit_that_some_network_meets_is_accepted() -> None:
    check_limits(
        problem(macs=toy_costs(ToySpace().decode({"width": 8, "mixer": "fixed", "rank": 0, "lr": 0.1}))["macs"])
    )


def test_a_limit_that_nothing_can_meet_is_refused_with_the_smallest_cost() -> None:
    with pytest.raises(SettingsError, match=r"--search\.limits macs 63,000: no network.*macs 64,000"):
        check_limits(problem(macs=63_000.0))
