"""Each changed candidate beside the best unchanged network of no greater cost, against brute force."""

from __future__ import annotations

import math

import pytest

from nas.dimensions import Scalar
from nas.records import Evaluation, Trial
from nas.report.findings.peers import pairs
from nas.report.findings.statistics import trained
from nas.report.verdicts import versus_unchanged
from nas.search.result import SearchResult
from tests.nas.report.conftest import MakeResult, MakeSearch, MakeTrial


def accuracy(trial: Trial) -> float:
    assert isinstance(trial.outcome, Evaluation)
    return trial.outcome.measurements["accuracy"].mean


def test_the_peer_is_the_best_fixed_network_of_no_greater_cost(make_search: MakeSearch) -> None:
    result = make_search(80, seed=5)
    pool = {trial.number: trial for trial in trained(result)}
    fixed = [trial for trial in pool.values() if result.portrait(trial).kind == "fixed"]
    found = pairs(result)
    assert {pair.trial for pair in found} == set(pool) - {trial.number for trial in fixed}
    for pair in found:
        own = pool[pair.trial].costs["macs"]
        affordable = [trial for trial in fixed if trial.costs["macs"] <= own]
        assert affordable, "baselines are cheap here"
        assert accuracy(pool[pair.peer]) == max(map(accuracy, affordable))
        assert pair.cost_ratio == pytest.approx(own / pool[pair.peer].costs["macs"])
        assert pair.tuned is (pool[pair.peer].baseline is None)
    assert {pair.tuned for pair in found} == {True, False}


def test_where_every_fixed_network_costs_more_the_cheapest_is_the_peer(
    make_result: MakeResult, make_trial: MakeTrial
) -> None:
    fixed = [make_trial(number, accuracy=50.0 + number, macs=macs) for number, macs in enumerate((3e6, 2e6, 4e6))]
    cheap = make_trial(3, accuracy=60.0, macs=1e6, architecture={"stage1.mixer": "dynamic"})
    (pair,) = pairs(make_result([*fixed, cheap]))
    assert (pair.peer, pair.cost_ratio) == (1, 0.5)


def test_a_pair_says_which_training_settings_differ(make_result: MakeResult, make_trial: MakeTrial) -> None:
    fixed = make_trial(0, accuracy=50.0, training={"lr": 0.1, "weight_decay": 1e-4})
    own = {"lr": 0.5, "weight_decay": 1e-4, "orth_weight": 0.1}
    other = make_trial(1, accuracy=60.0, architecture={"stage1.mixer": "dynamic"}, training=own)
    (pair,) = pairs(make_result([fixed, other]))
    assert pair.training == (("lr", 0.5, 0.1),)


def told(result: SearchResult) -> str:
    return " ".join(versus_unchanged(result))


def test_a_network_cheaper_than_every_unchanged_one_is_compared_with_none(
    make_result: MakeResult, make_trial: MakeTrial
) -> None:
    cheap = make_trial(1, accuracy=59.0, macs=1e6, architecture={"stage1.mixer": "dynamic"})
    text = told(make_result([make_trial(0, accuracy=60.0, macs=2e6), cheap]))
    assert "cost less than every fixed network" in text
    assert "no greater cost" not in text


def test_the_gain_over_unchanged_networks_is_told_with_what_favours_it(
    make_result: MakeResult, make_trial: MakeTrial
) -> None:
    given = make_trial(0, accuracy=50.0, macs=1e6, baseline="ShuffleNetV2 (24)")
    better = make_trial(1, accuracy=60.0, macs=2e6, architecture={"stage1.mixer": "dynamic"})
    assert told(make_result([given, better])) == (
        "Beside the best fixed network of no greater cost, the front's other networks are at +10.0 points (which is better by "
        "more than twice the standard error). That network's training settings were given and not searched, which favours the "
        "other one. 1 of the 2 trained networks are fixed, none of them with searched training settings."
    )
    searched = make_trial(2, accuracy=59.9, macs=2e6)
    said = told(make_result([given, better, searched]))
    assert "at +0.1 points (which is not better by more than twice the standard error)" in said
    assert "not searched" not in said
    assert "2 of the 3 trained networks are fixed, 1 of them with searched training settings." in said


def test_a_front_of_unchanged_networks_is_told_as_that(make_result: MakeResult, make_trial: MakeTrial) -> None:
    fixed = make_trial(0, accuracy=60.0, macs=1e6)
    other = make_trial(1, accuracy=50.0, macs=2e6, architecture={"stage1.mixer": "dynamic"})
    assert told(make_result([fixed, other])).startswith(
        "Every network of the front is fixed: no other network was better at its cost."
    )
    assert told(make_result([other])) == ""


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
    assert found == {(2, 1, "grouped"), (3, 1, "dynamic"), (4, 1, "replaced")}
