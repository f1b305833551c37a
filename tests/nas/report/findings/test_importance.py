"""Importance on cases whose answer is known."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from nas.dimensions import Scalar
from nas.records import Trial
from nas.report.findings.importance import MIN_TRIALS, importance, value_at_equal_cost
from tests.nas.report.conftest import MakeResult, MakeTrial

SpreadTrials = Callable[[int], list[Trial]]


@pytest.fixture
def spread_trials(make_trial: MakeTrial) -> SpreadTrials:
    """Trials over three decisions drawn independently: a category that may erase another, and a number."""

    def make(count: int) -> list[Trial]:
        rng = random.Random(1)
        trials = []
        for number in range(count):
            architecture: dict[str, Scalar] = {
                "kind": rng.choice("abc"),
                "size": rng.choice((1, 2, 4, 8)),
                "idle": rng.random(),
            }
            if architecture["kind"] == "a":
                architecture["inner"] = rng.choice((1, 2))
            macs = 10 ** rng.uniform(5, 7)
            trials.append(make_trial(number, accuracy=50.0, macs=macs, architecture=architecture))
        return trials

    return make


@pytest.mark.parametrize("decision", ["kind", "size"])
def test_the_only_decision_that_matters_comes_first(spread_trials: SpreadTrials, decision: str) -> None:
    trials = spread_trials(60)
    effect = {"a": 0.0, "b": 5.0, "c": 9.0, 1: 0.0, 2: 3.0, 4: 6.0, 8: 9.0}
    found = importance(trials, [effect[trial.candidate.decisions[decision]] for trial in trials])
    assert found.verdict == ""
    assert found.score is not None
    assert found.score > 0.8
    assert found.weights[0].decision == decision
    assert found.weights[0].mean > 5 * max(weight.mean for weight in found.weights[1:] if weight.decision != "inner")


def test_noise_gets_no_ranking(spread_trials: SpreadTrials) -> None:
    trials = spread_trials(60)
    rng = random.Random(2)
    found = importance(trials, [rng.gauss(50, 3) for _ in trials])
    assert found.weights == ()
    assert "60 networks do not show it" in found.verdict


def test_too_few_trials_get_no_ranking(spread_trials: SpreadTrials) -> None:
    found = importance(spread_trials(MIN_TRIALS - 1), list(range(MIN_TRIALS - 1)))
    assert found.weights == ()
    assert f"{MIN_TRIALS - 1} trained, at least {MIN_TRIALS} are needed" in found.verdict


def test_equal_accuracies_get_no_ranking(spread_trials: SpreadTrials) -> None:
    trials = spread_trials(30)
    assert importance(trials, [50.0] * 30).verdict == "Nothing varies between the trained networks."


def test_the_same_trials_give_the_same_importance(spread_trials: SpreadTrials) -> None:
    trials = spread_trials(30)
    target = [float(str(trial.candidate.decisions["size"])) for trial in trials]
    assert importance(trials, target) == importance(trials, target)


def test_accuracy_that_is_a_parabola_of_log_cost_leaves_nothing(make_trial: MakeTrial, make_result: MakeResult) -> None:
    costs = [10 ** (5 + k / 4) for k in range(10)]
    trials = [
        make_trial(k, accuracy=30 + 8 * np.log10(c) - 0.5 * np.log10(c) ** 2, macs=c) for k, c in enumerate(costs)
    ]
    assert value_at_equal_cost(make_result(trials), trials) == pytest.approx([0.0] * 10, abs=1e-9)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_trials_are_compared_with_their_mean(make_trial: MakeTrial, make_result: MakeResult, count: int) -> None:
    trials = [make_trial(k, accuracy=50.0 + k, macs=1e5 * (k + 1)) for k in range(count)]
    mean = 50 + (count - 1) / 2
    assert value_at_equal_cost(make_result(trials), trials) == pytest.approx([50 + k - mean for k in range(count)])


def test_one_cost_only_is_compared_with_its_mean(make_trial: MakeTrial, make_result: MakeResult) -> None:
    trials = [make_trial(k, accuracy=50.0 + k) for k in range(5)]
    assert value_at_equal_cost(make_result(trials), trials) == pytest.approx([-2, -1, 0, 1, 2])
