from __future__ import annotations

import numpy as np
import pytest

from nas.early_stopping import RULES, rungs, stopping_rule
from nas.early_stopping.bound import QUANTILE, BoundRule
from nas.early_stopping.curves import Course, Curves
from nas.early_stopping.gains import Gains
from nas.errors import SettingsError


def courses(count: int, *, gain: float = 10.0, noise: float = 0.0) -> Curves:
    """Finished trainings whose accuracy grows with the cost, measured once on the way."""
    curves, rng = Curves(), np.random.default_rng(0)
    for trial in range(count):
        cost = 5 + trial / count
        final = 60 + 20 * (cost - 5) + noise * rng.standard_normal()
        curves.begin(Course(trial, cost, "fixed", rungs={2: final - gain}))
        curves.ended(trial, final)
    return curves


def optimistic_gain(course: Course, finished: list[Course], epochs: int) -> float:
    gains = Gains(finished, epochs)
    return gains.expected(course) + float(np.quantile(gains.errors, QUANTILE))


def judged(rule: BoundRule, curves: Curves, accuracy: float, *, kind: str = "fixed", trial: int = 100) -> bool:
    curves.begin(Course(trial, 5.5, kind, rungs={}))
    curves.reached(trial, 2, accuracy)
    return rule.pauses(curves, trial, 2)


def test_what_cannot_reach_the_front_is_paused_and_what_can_is_not() -> None:
    rule = BoundRule(seed=0)
    # Everyone gains 10 points; the best end at this cost is 70, with 5 % more cost 70.4.
    assert judged(rule, courses(20), 59.0)
    assert not judged(rule, courses(20), 61.0)


def test_the_doubt_is_in_the_bound() -> None:
    calm, noisy = (optimistic_gain(Course(9, 5.5, "fixed"), courses(40, noise=0).finished(2), 2) for _ in range(2))
    assert calm == pytest.approx(10.0, abs=1e-3) == noisy
    curves = Curves()
    rng = np.random.default_rng(0)
    gains = 10 + 3 * rng.standard_normal(40)
    for trial, gain in enumerate(gains):
        curves.begin(Course(trial, 5 + trial / 40, "fixed", rungs={2: 50.0}))
        curves.ended(trial, 50.0 + gain)
    bound = optimistic_gain(Course(99, 5.5, "fixed"), curves.finished(2), 2)
    assert np.mean(gains < bound) >= 0.95


def test_the_bound_holds_for_the_next_training_even_where_few_have_finished() -> None:
    """With a class to each of a few trainings the fit is close to all of them: only each left out shows the doubt."""
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(400):
        curves = Curves()
        for trial, gain in enumerate(10 + 3 * rng.standard_normal(8)):
            curves.begin(Course(trial, 5 + rng.random(), f"kind {trial % 4}", rungs={2: 50.0}))
            curves.ended(trial, 50.0 + gain)
        course = Course(99, 5.5, "kind 0")
        covered.append(10 + 3 * rng.standard_normal() <= optimistic_gain(course, curves.finished(2), 2))
    assert np.mean(covered) >= 0.87


def test_nothing_is_paused_before_enough_have_finished() -> None:
    rule = BoundRule(seed=0)
    assert not judged(rule, courses(7), 0.0)
    assert judged(rule, courses(8), 0.0)
    assert not judged(rule, courses(20), 0.0, kind="dynamic")  # none of its own class


def test_a_slow_starter_s_class_is_known_by_its_own_gain() -> None:
    curves = courses(20)
    for trial in range(20, 30):
        curves.begin(Course(trial, 5 + (trial - 20) / 10, "dynamic", rungs={2: 40.0}))
        curves.ended(trial, 71.0)
    rule = BoundRule(seed=0)
    assert judged(rule, curves, 45.0, kind="fixed")
    assert not judged(rule, curves, 45.0, kind="dynamic", trial=101)


def test_one_in_twenty_goes_on_regardless() -> None:
    curves, rule = courses(20), BoundRule(seed=0)
    spared = sum(not judged(rule, curves, 0.0, trial=trial) for trial in range(1000, 3000))
    assert 60 <= spared <= 140


def test_a_verdict_changes_when_more_is_known() -> None:
    curves, rule = courses(20), BoundRule(seed=0)
    assert judged(rule, curves, 55.0)
    for trial in range(200, 230):  # dearer ones that began as low and gained much more
        curves.begin(Course(trial, 5.56, "fixed", rungs={2: 55.0}))
        curves.ended(trial, 75.0)
    assert not rule.pauses(curves, 100, 2)


def test_rank_halving_keeps_the_best_third_of_each_stratum() -> None:
    rule, curves = stopping_rule("rank_halving", 0), Curves()
    for trial in range(120):
        stratum = trial % 4
        curves.begin(Course(trial, 5.0 + stratum, "fixed", rungs={3: 10.0 * stratum + trial // 4}))
    kept = [trial for trial in range(120) if not rule.pauses(curves, trial, 3)]
    assert [sum(trial % 4 == stratum for trial in kept) for stratum in range(4)] == [10, 10, 10, 10]


@pytest.mark.parametrize(
    ("epochs", "expected"), [(1, ()), (2, (1,)), (3, (1, 2)), (9, (1, 2, 3, 4, 6)), (27, (3, 6, 9, 12, 18))]
)
def test_rungs_are_from_a_ninth_to_two_thirds(epochs: int, expected: tuple[int, ...]) -> None:
    assert rungs(epochs) == expected


def test_an_unknown_rule_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match=r"did you mean 'bound'"):
        stopping_rule("bond", 0)
    assert set(RULES) == {"none", "bound", "rank_halving"}
