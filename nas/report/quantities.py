"""Formats numbers for readers."""

from __future__ import annotations

import math
from typing import Any

from nas.objectives import Form, Objective, three_digits

_SUFFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_MANTISSAS = (
    (1.0,),
    (1.0, 3.0),
    (1.0, 2.0, 5.0),
    (1.0, 1.5, 2.0, 3.0, 5.0, 7.0),
    *(tuple(1 + step * k for k in range(round(9 / step))) for step in (1.0, 0.5, 0.2, 0.1)),
)
"""Mantissas of the ticks in each power of ten, from coarse to fine."""


def human(value: float, digits: int = 3) -> str:
    """A count with an SI suffix and this many significant digits: 10400000 becomes 10.4M, 950 stays 950."""
    rounded = float(f"{value:.{digits}g}")
    for scale, suffix in _SUFFIXES:
        if abs(rounded) >= scale:
            return _significant(rounded / scale, digits) + suffix
    return f"{rounded:g}"


def _significant(value: float, digits: int) -> str:
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}"


def tick(value: float) -> str:
    """An axis label without needless zeros: 3000000 becomes 3M."""
    for scale, suffix in _SUFFIXES:
        if abs(value) >= scale:
            return f"{value / scale:g}{suffix}"
    return f"{value:g}"


def log_ticks(low: float, high: float) -> list[float]:
    """Round values between two positive ends of a logarithmic axis, about three to eight of them.

    Args:
        low: Lower end, above 0.
        high: Upper end, not below `low`.
    """
    ticks: list[float] = []
    for mantissas in _MANTISSAS:
        ticks = [
            value
            for exponent in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
            for mantissa in mantissas
            if low <= (value := float(f"{mantissa * 10.0**exponent:.6g}")) <= high
        ]
        if len(ticks) >= 4:
            break
    return ticks


def short(objective: Objective, value: float) -> str:
    """A value in its objective's format, without the unit."""
    if objective.form is Form.PERCENT:
        return f"{value:.1f}"
    return human(value) if objective.form is Form.COUNT else three_digits(value)


def short_error(objective: Objective, error: float) -> str:
    """A standard error, or a difference, in the format that fits beside a value."""
    return f"{error:.1f}" if objective.form is Form.PERCENT else human(error, 2)


def with_unit(objective: Objective, value: float) -> str:
    """A value with its unit: 68.2 %, 3.14 ms."""
    return f"{short(objective, value)} {objective.unit}".strip()


def with_error(objective: Objective, mean: float, standard_error: float | None) -> str:
    """A value with its standard error, if it has one, without the unit: 68.2 ± 0.7."""
    if standard_error is None:
        return short(objective, mean)
    return f"{short(objective, mean)} ± {short_error(objective, standard_error)}"


def signed_difference(objective: Objective, value: float) -> str:
    """A difference of two values with its sign, without the unit: +1.4."""
    return ("-" if value < 0 else "+") + short_error(objective, abs(value))


def difference(objective: Objective, value: float) -> str:
    """A difference of two values with its unit: 1.4 points."""
    return f"{short_error(objective, value)} {objective.difference_unit}".strip()


def rounded(value: float | None, digits: int = 7) -> float | None:
    """A number with so many significant digits. Seven are more than any picture shows, and half the bytes."""
    return None if value is None else float(f"{value:.{digits}g}")


def finite(value: Any, digits: int = 7) -> float | None:
    """A finite number with so many significant digits; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return rounded(float(value), digits)
