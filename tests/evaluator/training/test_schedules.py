from __future__ import annotations

import math

import pytest

from evaluator.training.schedules import averaging_decay, learning_rate, ramp


def test_the_rate_rises_linearly_to_its_peak() -> None:
    rates = [learning_rate(step, 100, peak=0.4, warmup=0.1) for step in range(10)]
    assert rates == pytest.approx([0.04 * (step + 1) for step in range(10)])


def test_the_rate_falls_along_half_a_cosine_to_nothing() -> None:
    after = [learning_rate(step, 110, peak=2.0, warmup=10 / 110) for step in range(10, 110)]
    assert after == pytest.approx([1 + math.cos(math.pi * step / 100) for step in range(100)])
    assert after[50] == pytest.approx(1.0)
    assert after[-1] < 0.001


def test_without_warm_up_the_rate_begins_at_its_peak() -> None:
    assert learning_rate(0, 10, peak=0.3, warmup=0.0) == 0.3


@pytest.mark.parametrize("total", [1, 2, 7])
def test_a_training_that_is_all_warm_up_ends_at_the_peak(total: int) -> None:
    assert learning_rate(total - 1, total, peak=0.3, warmup=1.0) == pytest.approx(0.3)


def test_the_ramp_reaches_one_after_its_share() -> None:
    assert [ramp(step, 8, share=0.5) for step in range(6)] == [0, 0.25, 0.5, 0.75, 1, 1]
    assert ramp(0, 8, share=0.0) == 1


def test_the_averages_memory_grows_to_its_decay() -> None:
    assert averaging_decay(0, decay=0.9) == pytest.approx(0.1)
    assert averaging_decay(80, decay=0.9) == pytest.approx(0.9)
    assert averaging_decay(10**6, decay=0.9) == 0.9
