"""Numbers as a person writes them."""

from __future__ import annotations

import pytest

from nas.report.quantities import human, log_ticks, percent, tick


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (950, "950"),
        (1000, "1.00k"),
        (444_321, "444k"),
        (999_600, "1.00M"),
        (10_400_000, "10.4M"),
        (2.5e9, "2.50G"),
    ],
)
def test_a_count_has_three_digits_and_a_suffix(value: float, text: str):
    assert human(value) == text


@pytest.mark.parametrize(("value", "text"), [(3e6, "3M"), (1.5e6, "1.5M"), (500.0, "500"), (2e4, "20k")])
def test_a_tick_has_no_needless_zeros(value: float, text: str):
    assert tick(value) == text


@pytest.mark.parametrize(("low", "high"), [(1e6, 3e7), (9e5, 1.1e6), (1e3, 1e9), (4.1e6, 8.7e6), (1.2e6, 1.9e6)])
def test_ticks_lie_inside_the_axis_and_are_few(low: float, high: float):
    ticks = log_ticks(low, high)
    assert all(low <= value <= high for value in ticks)
    assert ticks == sorted(set(ticks))
    assert 1 <= len(ticks) <= 12


def test_an_unknown_error_is_left_out():
    assert percent(68.24, None) == "68.2"
    assert percent(68.24, 0.66) == "68.2 ± 0.7"
