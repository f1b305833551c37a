"""Numbers as a person writes them."""

from __future__ import annotations

import math

_SUFFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_MANTISSAS = (
    (1.0,),
    (1.0, 3.0),
    (1.0, 2.0, 5.0),
    (1.0, 1.5, 2.0, 3.0, 5.0, 7.0),
    *(tuple(1 + step * k for k in range(round(9 / step))) for step in (1.0, 0.5, 0.2, 0.1)),
)
"""Of ticks in each power of ten, from coarse to fine."""


def human(value: float, digits: int = 3) -> str:
    """A count with an SI suffix at this many significant digits: 10400000 becomes 10.4M, 950 stays 950."""
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


def percent(mean: float, standard_error: float | None) -> str:
    """An accuracy in percent with its standard error, if it has one: 68.2 ± 0.7."""
    return f"{mean:.1f}" if standard_error is None else f"{mean:.1f} ± {standard_error:.1f}"
