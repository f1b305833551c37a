"""The network to take follows from a rule: the knee, unless chance alone orders the front."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from nas.objectives import Direction, Objective, ObjectiveKind
from nas.records import Evaluation, Measurement
from nas.report.findings.recommendation import Rule, heights_above_ends, interval, recommendation
from nas.report.findings.statistics import members
from nas.report.payload import payload
from nas.report.sections.advice import advice
from nas.search.result import SearchResult
from tests.nas.report.conftest import MakeResult, MakeTrial

ELBOW = ((40.0, 1e6), (80.0, 2e6), (84.0, 8e6), (85.0, 64e6))
"""Accuracies and costs of a front that rises steeply and then hardly."""


def front(
    make_result: MakeResult, make_trial: MakeTrial, points: tuple[tuple[float, float], ...], n: int = 5000
) -> SearchResult:
    trials = [make_trial(k, accuracy=value, macs=cost, n=n) for k, (value, cost) in enumerate(points)]
    return make_result(trials)


def test_the_knee_is_where_the_distance_from_the_line_between_the_ends_is_largest(
    make_result: MakeResult, make_trial: MakeTrial
) -> None:
    found = recommendation(front(make_result, make_trial, ELBOW))
    assert found is not None
    # The perpendicular distance in the unit square, worked out independently of the module.
    distances = []
    for value, cost in ELBOW:
        x, y = math.log10(cost / 1e6) / math.log10(64), (value - 40.0) / 45.0
        distances.append(abs(y - x) / math.sqrt(2))
    assert (found.trial, found.rule) == (max(range(4), key=distances.__getitem__), Rule.KNEE)
    assert (found.cheaper, found.better) == (0, 2)


def test_the_cost_counts_by_its_logarithm(make_result: MakeResult, make_trial: MakeTrial) -> None:
    """On a linear axis the third point would be the knee."""
    points = ((50.0, 1e6), (71.0, 2e6), (78.0, 8e6), (80.0, 64e6))
    linear = heights_above_ends([cost for _, cost in points], [value for value, _ in points])
    assert linear.index(max(linear)) == 2
    found = recommendation(front(make_result, make_trial, points))
    assert found is not None
    assert found.trial == 1


def test_a_front_within_the_resolution_of_the_images_gives_its_cheapest(
    make_result: MakeResult, make_trial: MakeTrial
) -> None:
    points = ((80.0, 1e6), (81.5, 2e6), (82.0, 8e6))
    few, many = (front(make_result, make_trial, points, n=n) for n in (500, 50_000))
    found = recommendation(few)
    assert found is not None
    assert (found.trial, found.rule, found.cheaper, found.better) == (0, Rule.UNRESOLVED, None, 1)
    assert "cannot tell the 3 networks of the front apart" in advice(few)
    resolved = recommendation(many)
    assert resolved is not None
    assert (resolved.trial, resolved.rule) == (1, Rule.KNEE)


def test_a_front_without_a_knee_gives_its_best(make_result: MakeResult, make_trial: MakeTrial) -> None:
    sagging = ((50.0, 1e6), (52.0, 4e6), (80.0, 8e6))
    for points in (sagging, sagging[::2]):
        found = recommendation(front(make_result, make_trial, points))
        assert found is not None
        assert (found.trial, found.rule, found.better) == (len(points) - 1, Rule.BEST, None)


def test_one_member_is_the_one(make_result: MakeResult, make_trial: MakeTrial) -> None:
    result = front(make_result, make_trial, ((50.0, 1e6),))
    found = recommendation(result)
    assert found is not None
    assert (found.trial, found.rule, found.cheaper, found.better) == (0, Rule.ONLY, None, None)
    assert "only network of the front" in advice(result)


def test_networks_that_guess_or_cannot_be_loaded_are_not_recommended(
    make_result: MakeResult, make_trial: MakeTrial
) -> None:
    guessing = front(make_result, make_trial, ((10.0, 1e6), (10.2, 2e6)))
    assert recommendation(guessing) is None
    assert advice(guessing) == ""
    assert payload(guessing)["recommended"] is None
    whole = front(make_result, make_trial, ELBOW)
    lost = recommendation(dataclasses.replace(whole, weightless={1: "its weights are gone"}))
    assert lost is not None
    assert lost.trial == 2
    assert lost.cheaper == 0
    # The cheapest only guesses. If it were an end of the line, trial 1 would be the knee.
    partly = front(make_result, make_trial, ((10.0, 1e6), (50.0, 2e6), (75.0, 4e6), (80.0, 64e6)))
    found = recommendation(partly)
    assert found is not None
    assert (found.trial, found.cheaper) == (2, 1)


def test_the_interval_comes_from_the_images_and_stays_a_percentage(
    make_result: MakeResult, make_trial: MakeTrial
) -> None:
    result = front(make_result, make_trial, ((50.0, 1e6), (99.9, 2e6)), n=400)
    (low, high), (_, end) = (interval(result, trial) or (0.0, 0.0) for trial in members(result))
    assert low == pytest.approx(50 - 1.96 * 50 / 20)
    assert high == pytest.approx(50 + 1.96 * 50 / 20)
    assert end == 100.0


def test_a_value_without_an_error_has_no_interval(make_result: MakeResult, make_trial: MakeTrial) -> None:
    trials = [make_trial(k, accuracy=50.0 + 10 * k, macs=1e6 * 2**k, n=1, std=0.0) for k in range(2)]
    found = recommendation(make_result(trials))
    assert found is not None
    assert found.interval is None
    assert "interval" not in advice(make_result(trials))


def test_an_error_that_is_minimized_and_a_linear_cost_have_a_knee_too(
    make_result: MakeResult, make_trial: MakeTrial
) -> None:
    kind: dict[str, Any] = {"direction": Direction.MINIMIZE, "unit": "", "reference": 9.0}
    error = Objective(name="error", kind=ObjectiveKind.LEARNED, **kind)
    price = Objective(name="price", kind=ObjectiveKind.KNOWN, **kind)
    trials = []
    for k, (value, cost) in enumerate(((5.0, 0.0), (2.0, 1.0), (1.5, 5.0), (1.0, 9.0))):
        outcome = Evaluation(measurements={"error": Measurement(mean=value, std=0.1, n=100)}, seconds=1.0, epochs=1)
        trial = make_trial(k, outcome=outcome)
        trials.append(dataclasses.replace(trial, costs={"price": cost}))
    result = make_result(trials, (error, price))
    found = recommendation(result)
    assert found is not None
    assert (found.trial, found.rule) == (1, Rule.KNEE)
    assert "logarithmic" not in advice(result)


def test_the_paragraph_says_the_rule_the_value_and_both_neighbours(
    make_result: MakeResult, make_trial: MakeTrial
) -> None:
    result = front(make_result, make_trial, ELBOW)
    told = advice(result)
    for part in (
        "Trial 1 is recommended: 80.0 % accuracy at 2.00M MACs, 95 % interval 78.9 to 81.1",
        "knee of the front",
        "logarithmic scale",
        "The next cheaper one is trial 0: 40.0 % at 1.00M MACs, which is -40.0 points, 0.5 times the cost.",
        "The next better one is trial 2: 84.0 % at 8.00M MACs, which is +4.0 points, 4 times the cost.",
    ):
        assert part in told
    assert payload(result)["advice"] == told
    assert payload(result)["recommended"] == 1


def test_a_step_that_the_images_cannot_resolve_is_called_so(make_result: MakeResult, make_trial: MakeTrial) -> None:
    told = advice(front(make_result, make_trial, (*ELBOW[:2], (80.5, 8e6), ELBOW[3])))
    assert "+0.5 points (too little for these images to tell)" in told


def test_heights_are_zero_at_both_ends_and_on_the_line() -> None:
    heights = heights_above_ends([0.0, 1.0, 2.0, 4.0], [0.0, 3.0, 2.0, 4.0])
    assert heights == pytest.approx([0.0, 0.5, 0.0, 0.0])
    assert heights_above_ends([1.0, 1.0], [0.0, 1.0]) == [0.0, 0.0]
