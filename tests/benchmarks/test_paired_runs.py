from __future__ import annotations

import math

import pytest
from scipy.stats import ttest_rel

from benchmarks.paired_runs import Verdict, holm, joint, paired_difference, verdict

FIRST, SECOND = [71.2, 70.1, 72.5, 69.9, 71.0], [70.8, 70.3, 71.4, 69.0, 70.1]


def test_the_difference_is_that_of_the_paired_t_test() -> None:
    found = paired_difference(FIRST, SECOND)
    expected = ttest_rel(FIRST, SECOND)
    interval = expected.confidence_interval(0.95)
    assert found.mean == pytest.approx(0.62)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.mean - found.half_width, found.mean + found.half_width) == pytest.approx(tuple(interval))


def test_pairs_without_spread_say_nothing() -> None:
    single = paired_difference([1.0], [0.0])
    assert (single.half_width, single.p, single.pairs) == (math.inf, 1.0, 1)
    assert paired_difference([1.0, 2.0], [1.0, 2.0]).p == 1
    assert paired_difference([2.0, 3.0], [1.0, 2.0]).p == 1


def test_holm_multiplies_the_smallest_by_all_the_next_by_one_less_and_never_falls() -> None:
    # By hand: sorted .01, .02, .022, .09 times 4, 3, 2, 1, then the running maximum.
    assert holm([0.02, 0.01, 0.022, 0.09]) == pytest.approx([0.06, 0.04, 0.06, 0.09])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_a_verdict_needs_the_adjusted_level_and_follows_the_sign() -> None:
    above, below = paired_difference(FIRST, SECOND), paired_difference(SECOND, FIRST)
    assert verdict(above, 0.049) is Verdict.SUPPORTED
    assert verdict(below, 0.049) is Verdict.REFUTED
    assert verdict(above, 0.051) is Verdict.NOT_RESOLVED


def test_a_joint_claim_falls_with_one_part_and_stands_with_all() -> None:
    yes, no, open_ = Verdict.SUPPORTED, Verdict.REFUTED, Verdict.NOT_RESOLVED
    assert joint([yes, yes]) is yes
    assert joint([yes, open_]) is open_
    assert joint([open_, no, yes]) is no
