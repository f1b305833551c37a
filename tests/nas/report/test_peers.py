"""Each changed candidate beside its nearest unchanged peer, against brute force."""

from __future__ import annotations

import math

import pytest

from nas.dimensions import Scalar
from nas.report.peers import pairs
from nas.report.statistics import trained
from tests.nas.report.conftest import MakeResult, MakeSearch, MakeTrial


def test_the_peer_is_the_fixed_network_nearest_in_cost(make_search: MakeSearch) -> None:
    result = make_search(80, seed=5)
    pool = {trial.number: trial for trial in trained(result)}
    fixed = [trial for trial in pool.values() if result.portrait(trial).kind == "fixed"]
    found = pairs(result)
    assert {pair.trial for pair in found} == set(pool) - {trial.number for trial in fixed}
    for pair in found:
        own = pool[pair.trial].costs["macs"]
        nearest = min(abs(math.log10(trial.costs["macs"]) - math.log10(own)) for trial in fixed)
        assert abs(math.log10(pool[pair.peer].costs["macs"]) - math.log10(own)) == pytest.approx(nearest)
        assert pair.cost_ratio == pytest.approx(own / pool[pair.peer].costs["macs"])


@pytest.mark.parametrize(("accuracy", "resolved"), [(53.0, True), (52.7, False), (47.0, True), (50.0, False)])
def test_a_difference_is_resolved_beyond_twice_its_error(
    make_result: MakeResult, make_trial: MakeTrial, accuracy: float, resolved: bool
) -> None:
    # Both accuracies are known to one point, so their difference to the square root of two: 2.83 points are twice that.
    fixed = make_trial(0, accuracy=50.0, std=50.0, n=2500)
    other = make_trial(1, accuracy=accuracy, std=50.0, n=2500, architecture={"stage1.mixer": "dynamic"})
    (pair,) = pairs(make_result([fixed, other]))
    assert pair.difference == pytest.approx(accuracy - 50.0)
    assert pair.standard_error == pytest.approx(math.sqrt(2))
    assert pair.resolved is resolved


def test_a_difference_without_an_error_is_never_resolved(make_result: MakeResult, make_trial: MakeTrial) -> None:
    fixed = make_trial(0, accuracy=50.0, std=0.0, n=1)
    other = make_trial(1, accuracy=90.0, architecture={"stage1.mixer": "dynamic"})
    (pair,) = pairs(make_result([fixed, other]))
    assert pair.standard_error is None
    assert not pair.resolved


def test_without_a_fixed_network_there_are_no_pairs(make_result: MakeResult, make_trial: MakeTrial) -> None:
    assert pairs(make_result([make_trial(0, accuracy=50.0, architecture={"stage1.mixer": "dynamic"})])) == []


def test_a_space_without_mixers_has_no_pairs(make_result: MakeResult, make_trial: MakeTrial) -> None:
    assert pairs(make_result([make_trial(k, accuracy=50.0, architecture={"depth": k}) for k in range(3)])) == []


def test_where_convolutions_are_a_choice_the_dense_network_is_the_peer_and_not_the_grouped_one(
    make_result: MakeResult, make_trial: MakeTrial
) -> None:
    dense: dict[str, Scalar] = {"width": 0.5, "stage1.convolution": "dense"}
    grouped: dict[str, Scalar] = {
        "width": 0.5,
        "stage1.convolution": "grouped",
        "stage1.conv_groups": 4,
        "stage1.mixer": "fixed",
    }
    dynamic: dict[str, Scalar] = {**grouped, "stage1.mixer": "dynamic"}
    replaced: dict[str, Scalar] = {"width": 0.5, "stage1.convolution": "static_dynamic"}
    trials = [
        make_trial(number, accuracy=50.0 + number, macs=macs, architecture=architecture)
        for number, (macs, architecture) in enumerate(
            [(8e6, dense), (1e6, dense), (2e6, grouped), (2.1e6, dynamic), (7e6, replaced)]
        )
    ]
    found = {(pair.trial, pair.peer, pair.kind) for pair in pairs(make_result(trials))}
    assert found == {(2, 1, "grouped"), (3, 1, "dynamic"), (4, 0, "replaced")}
