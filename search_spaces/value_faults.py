"""What is wrong with the values of settings, in whole sentences, so that a person can correct all of them at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from nas.errors import unknown_name
from nas.values.json_fields import shown

WIDEST = 64
"""Largest width, as a multiple of a published network's."""
MOST_CHANNELS = 16_384
"""Largest number of channels of one stage, growth rate, or number of groups or templates."""
MOST_RANKS = 1_024
"""Largest Kronecker rank, number of ranks to choose from, and side of a factor."""
LARGEST_RATE = 1e6
SMALLEST_RATE = 1e-12
"""Smallest rate that is not 0."""
MOST_UNITS = 256
"""Most units of a stage."""
MOST_ITEMS = 1000
"""Most items of a setting."""


def is_number(value: object, *, whole: bool = False, low: float = -math.inf, high: float = math.inf) -> bool:
    """Whether a value is a finite number from `low` to `high`, and with `whole` an integer. Booleans are not numbers."""
    kinds = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds):
        return False
    return low <= value <= high and abs(value) < math.inf  # no conversion, in which a large integer overflows


def is_multiple(width: object) -> bool:
    """Whether a value is a width as a multiple of a published network's."""
    return is_number(width, high=WIDEST) and width > 0  # type: ignore[operator]


def items_of(value: object) -> list[Any] | None:
    """The items of a tuple or list; None for other values."""
    return list(value) if isinstance(value, tuple | list) else None


def multiple_faults(widths: object) -> list[str]:
    """What is wrong with widths that are multiples of a published network's; None stands for the default."""
    if widths is None:
        return []
    items = items_of(widths)
    if not items:
        return [f"space.widths = {shown(widths)} must be a list of at least one width"]
    wrong = [width for width in items if not is_multiple(width)]
    if wrong:
        return [
            f"space.widths holds {', '.join(map(shown, wrong))}; allowed: multiples above 0 and up to {WIDEST}, 1 being 1x"
        ]
    return collection_faults("space.widths", widths)[1]


def growth_faults(widths: object) -> list[str]:
    """What is wrong with widths that are growth rates, positive integers; None stands for the default."""
    if widths is None:
        return []
    if not items_of(widths):
        return [f"space.widths = {shown(widths)} must be a list of at least one growth rate"]
    return numbers_faults("space.widths", widths, whole=True, low=1, high=MOST_CHANNELS)


def units_faults(units: object, stages: int) -> list[str]:
    """What is wrong with the numbers of units of each stage; None stands for the default."""
    if units is None:
        return []
    each = items_of(units)
    if each is None or len(each) != stages:
        example = ", ".join(["[4]"] * stages)
        return [f"space.units = {shown(units)} must have one list for each of the {stages} stages, such as [{example}]"]
    return [
        fault
        for stage, counts in enumerate(each, start=1)
        for fault in numbers_faults(f"space.units of stage {stage}", counts, whole=True, low=1, high=MOST_UNITS)
    ]


def one_of_faults(name: str, value: object, allowed: Sequence[object]) -> list[str]:
    """What is wrong with a value that must be one of several."""
    if value in allowed:
        return []
    return [f"{name} = {shown(value)} is not one of {', '.join(map(str, allowed))}"]


def whole_faults(name: str, value: object, low: int, high: float = math.inf) -> list[str]:
    """What is wrong with an integer that must be within bounds."""
    if is_number(value, whole=True, low=low, high=high):
        return []
    bounds = f"from {low} to {high}" if high < math.inf else f"of at least {low}"
    return [f"{name} = {shown(value)} must be an integer {bounds}"]


def collection_faults(name: str, values: object) -> tuple[list[Any], list[str]]:
    """The items of a collection that must be distinct, and what is wrong with it."""
    items = items_of(values)
    if items is None:
        return [], [f"{name} = {shown(values)} must be a list"]
    if not items:
        return [], [f"{name} is empty; it needs at least one value"]
    if len(items) > MOST_ITEMS:
        return [], [f"{name} has {len(items):,} values; allowed: at most {MOST_ITEMS:,}"]
    repeated = sorted({shown(item) for item in items if items.count(item) > 1})
    return items, [f"{name} = {shown(items)} holds {', '.join(repeated)} twice"] if repeated else []


def numbers_faults(
    name: str, values: object, *, whole: bool = False, low: float = -math.inf, high: float = math.inf
) -> list[str]:
    """What is wrong with a list of distinct numbers within bounds."""
    items, found = collection_faults(name, values)
    wrong = [item for item in items if not is_number(item, whole=whole, low=low, high=high)]
    if wrong:
        kind = "integers" if whole else "numbers"
        bounds = f"from {low} to {high}" if high < math.inf else f"of at least {low}"
        found.append(f"{name} holds {', '.join(map(shown, wrong))}; allowed: {kind} {bounds}")
    return found


def names_faults(name: str, kind: str, values: object, known: Iterable[str]) -> list[str]:
    """What is wrong with a list of distinct known names."""
    items, found = collection_faults(name, values)
    return found + [f"{name}: {unknown_name(kind, str(item), known)}" for item in items if str(item) not in known]


def log_range_faults(name: str, bounds: object, *, positive: bool = False) -> list[str]:
    """What is wrong with a range [low, high] that is searched on a log scale."""
    ends = items_of(bounds)
    if ends is None or len(ends) != 2:
        return [f"{name} = {shown(bounds)} must be [low, high]"]
    low, high = ends
    if not (is_number(low, low=0) and is_number(high, low=0)) or low > high:
        return [f"{name} = {shown(ends)} must be [low, high] with 0 <= low <= high"]
    if not all(end == 0 or is_number(end, low=SMALLEST_RATE, high=LARGEST_RATE) for end in ends):
        return [
            f"{name} = {shown(ends)} must be [low, high] with ends of 0 or from {SMALLEST_RATE:g} to {LARGEST_RATE:g}"
        ]
    if low == 0 and (positive or high > 0):
        return [f"{name} = {shown(ends)} must begin above 0: it is searched on a log scale"]
    return []
