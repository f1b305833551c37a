"""Numbers read from the records of a search, against closed forms and brute force."""

from __future__ import annotations

import math

import pytest

from nas.objectives import Objective
from nas.records import Failure, FailureKind, Measurement, TrialState
from nas.report.findings.statistics import (
    difference_error,
    hypervolume_steps,
    reason,
    resolution,
    staircase,
    standard_error,
    trained,
)
from tests.nas.report.conftest import MakeResult, MakeSearch, MakeTrial


def test_a_number_without_a_spread_has_an_unknown_error() -> None:
    assert standard_error(Measurement(mean=60.0)) is None
    assert difference_error(Measurement(mean=60.0), Measurement(mean=61.0, std=3, n=9)) is None


def test_the_error_of_a_difference_adds_variances() -> None:
    assert difference_error(Measurement(mean=1, std=3, n=1), Measurement(mean=2, std=8, n=4)) == pytest.approx(5.0)


def test_the_resolution_is_twice_the_error_of_a_difference(make_result: MakeResult, make_trial: MakeTrial) -> None:
    result = make_result([make_trial(0, accuracy=50.0, n=2500)])
    # A share of one half measured on 2,500 images has a standard error of one point.
    assert resolution(result) == pytest.approx(2 * math.sqrt(2) * 1.0)


def test_there_is_no_resolution_without_errors(make_result: MakeResult, make_trial: MakeTrial) -> None:
    assert resolution(make_result([make_trial(0, accuracy=50.0, n=1, std=0.0)])) is None
    assert resolution(make_result([])) is None


def test_the_hypervolume_after_each_trial_has_its_closed_form(make_result: MakeResult, make_trial: MakeTrial) -> None:
    # From 10 % and 1e8 multiply-adds (log10: 8): 40 x 2, then a second box 10 x 1 on top.
    trials = [
        make_trial(0, accuracy=50.0, macs=1e6),
        make_trial(1, accuracy=40.0, macs=2e6),
        make_trial(2, accuracy=60.0, macs=1e7),
    ]
    steps = hypervolume_steps(make_result(trials))
    assert [number for number, _ in steps] == [0, 1, 2]
    assert [volume for _, volume in steps] == pytest.approx([80.0, 80.0, 90.0])


@pytest.mark.parametrize("seed", range(3))
def test_the_hypervolume_never_falls_and_ends_at_the_fronts(
    make_search: MakeSearch, three_objectives: tuple[Objective, ...], seed: int
) -> None:
    for objectives in (three_objectives[:2], three_objectives):
        result = make_search(40, seed=seed, objectives=objectives)
        volumes = [volume for _, volume in hypervolume_steps(result)]
        assert volumes == sorted(volumes)
        assert volumes[-1] == pytest.approx(result.front.hypervolume)


def test_the_staircase_holds_what_nothing_beats(make_search: MakeSearch) -> None:
    result = make_search(60, seed=2)
    pool = trained(result)
    points = {t.number: (t.values()["accuracy"], t.values()["macs"]) for t in pool}
    unbeaten = {
        n for n, (a, c) in points.items() if not any(b >= a and d <= c and (b, d) != (a, c) for b, d in points.values())
    }
    line = staircase(result, pool)
    assert {trial.number for trial in line} <= unbeaten
    assert {points[trial.number] for trial in line} == {points[number] for number in unbeaten}
    assert [trial.values()["macs"] for trial in line] == sorted(trial.values()["macs"] for trial in line)


def test_partial_trainings_are_not_drawn_as_trained(make_result: MakeResult, make_trial: MakeTrial) -> None:
    states = [TrialState.COMPLETE, TrialState.STOPPED, TrialState.REUSED]
    result = make_result([make_trial(k, accuracy=50.0, state=state) for k, state in enumerate(states)])
    assert [trial.number for trial in trained(result)] == [0]


def test_the_cost_axis_is_the_first_objective_known_before_training(
    make_result: MakeResult, three_objectives: tuple[Objective, ...]
) -> None:
    accuracy, _, params = three_objectives
    assert make_result([], (accuracy, params)).cost is params


def test_a_reason_is_one_line(make_trial: MakeTrial) -> None:
    failed = Failure(kind=FailureKind.CRASHED, message="first\n  second")
    assert reason(make_trial(0, state=TrialState.FAILED, outcome=failed)) == "crashed: first second"
    assert reason(make_trial(1, state=TrialState.INFEASIBLE, violations=("a", "b"))) == "a; b"
    assert reason(make_trial(2, accuracy=50.0)) == ""
