"""Numbers as a person writes them."""

from __future__ import annotations

import pytest

from evaluator.costs import COSTS
from evaluator.measures import MEASURES
from nas.report.quantities import difference, human, log_ticks, short, tick, with_error, with_unit


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
def test_a_count_has_three_digits_and_a_suffix(value: float, text: str) -> None:
    assert human(value) == text


@pytest.mark.parametrize(("value", "text"), [(3e6, "3M"), (1.5e6, "1.5M"), (500.0, "500"), (2e4, "20k")])
def test_a_tick_has_no_needless_zeros(value: float, text: str) -> None:
    assert tick(value) == text


@pytest.mark.parametrize(("low", "high"), [(1e6, 3e7), (9e5, 1.1e6), (1e3, 1e9), (4.1e6, 8.7e6), (1.2e6, 1.9e6)])
def test_ticks_lie_inside_the_axis_and_are_few(low: float, high: float) -> None:
    ticks = log_ticks(low, high)
    assert all(low <= value <= high for value in ticks)
    assert ticks == sorted(set(ticks))
    assert 1 <= len(ticks) <= 12


def test_an_unknown_error_is_left_out() -> None:
    accuracy = MEASURES["accuracy"].objective(10)
    assert with_error(accuracy, 68.24, None) == "68.2"
    assert with_error(accuracy, 68.24, 0.66) == "68.2 ± 0.7"


@pytest.mark.parametrize(
    ("name", "value", "written", "in_full", "apart"),
    [
        ("accuracy", 68.24, "68.2 %", "68.2 %", "68.2 points"),
        ("cross_entropy", 0.51249, "0.512 nats", "0.512 nats", "0.51 nats"),
        ("macs", 10_400_000.0, "10.4M MACs", "10,400,000", "10M MACs"),
        ("params", 950.0, "950 parameters", "950", "950 parameters"),
        ("latency", 3.14159, "3.14 ms", "3.14 ms", "3.1 ms"),
        ("latency", 12_345.6, "12,346 ms", "12,346 ms", "12k ms"),
        ("memory", 0.5, "0.5 MB", "0.5 MB", "0.5 MB"),
    ],
)
def test_a_value_is_written_as_its_quantity_has_it(
    name: str, value: float, written: str, in_full: str, apart: str
) -> None:
    quantity = MEASURES[name].objective(10) if name in MEASURES else COSTS[name].objective(1.0)
    assert with_unit(quantity, value) == written
    assert short(quantity, value) == written.split()[0]
    assert quantity.amount(value) == in_full
    assert difference(quantity, value) == apart
