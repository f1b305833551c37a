"""Which numbers of a person's own functions are accepted: finite ones whose squares and ratios are finite too.

Others are refused as soon as they are returned, with name and value, so that they reach neither a model nor the code for
dominance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import SupportsFloat

from nas.values.json_fields import shown

SMALLEST, LARGEST = 1e-100, 1e100
ALLOWED = f"allowed: 0, or a number from {SMALLEST:g} to {LARGEST:g} in size"


class RefusedNumberError(ValueError):
    """A number that is not accepted. The message says what it is the value of, the value itself, and what is allowed."""


def usable(value: object) -> float:
    """The value as a number, or infinity for anything that is not accepted."""
    as_number = value if type(value) is float else _as_number(value)  # samplers ask for thousands of them per proposal
    return as_number if as_number == 0 or SMALLEST <= abs(as_number) <= LARGEST else math.inf


def _as_number(value: object) -> float:
    if isinstance(value, str) or not isinstance(value, SupportsFloat):
        return math.inf
    try:
        return float(value)
    except (OverflowError, TypeError, ValueError, RuntimeError):  # too large an integer, an array of several
        return math.inf


def taken(name: str, value: object) -> float:
    """The value as a number.

    Raises:
        RefusedNumberError: The value is not accepted.
    """
    as_number = usable(value)
    if math.isinf(as_number):
        raise RefusedNumberError(f"{name} = {shown(value)} is refused; {ALLOWED}")
    return as_number


def sorted_out(values: object, needed: Iterable[str]) -> tuple[dict[str, float], list[str]]:
    """From a mapping of numbers, those that are accepted; and in words, what is wrong with the others.

    Args:
        values: The numbers, by name, that a function has returned.
        needed: Names that must be present.
    """
    given = values if isinstance(values, Mapping) else {}
    good, faults = {}, []
    for name in dict.fromkeys([*needed, *given]):
        try:
            if name in given:
                good[name] = taken(name, given[name])
            else:
                faults.append(f"{name} is missing; there is {', '.join(map(str, given)) or shown(values)}")
        except RefusedNumberError as error:
            faults.append(str(error))
    return good, faults
