"""Decisions whose best values lie at an end of their range: better ones may lie beyond it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nas.dimensions import FloatRange, IntRange
from nas.records import Trial
from nas.report.findings.statistics import members
from nas.search.result import SearchResult

EDGE = 0.05
"""Share of a range, on its own scale, that counts as its end."""
WIDER = 0.5
"""Share of a range, on its own scale, by which it is to be widened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A decision of which most networks of the front have values at the same end of its range."""

    name: str
    upper: bool
    """Whether it is the upper end."""
    trials: tuple[int, ...]
    """The networks of the front with such a value."""
    of: int
    """Number of networks of the front that have the decision."""
    low: float
    high: float
    wider: tuple[float, float]
    """A range that goes on beyond that end."""


def edges(result: SearchResult) -> list[Edge]:
    """The decisions whose best values lie at an end of their range, in the order of the space.

    A decision is named if that holds for more than half of the networks of the front that have it.
    """
    found = []
    front = members(result)
    for dimension in result.dimensions:
        if not isinstance(dimension, FloatRange | IntRange) or dimension.low >= dimension.high:
            continue
        values = {trial.number: trial.candidate.decisions.get(dimension.name) for trial in front}
        numbers = {number: float(value) for number, value in values.items() if isinstance(value, int | float)}
        for upper in (False, True):
            there = tuple(number for number, value in numbers.items() if end_of(dimension, value) is upper)
            if 2 * len(there) > len(numbers):
                found.append(
                    Edge(
                        name=dimension.name,
                        upper=upper,
                        trials=there,
                        of=len(numbers),
                        low=dimension.low,
                        high=dimension.high,
                        wider=_wider(dimension, upper=upper),
                    )
                )
    return found


def ends(result: SearchResult, trial: Trial) -> dict[str, bool]:
    """The decisions of a trial whose value lies at an end of their range, and whether it is the upper one."""
    found = {}
    for dimension in result.dimensions:
        value = trial.candidate.decisions.get(dimension.name)
        if isinstance(dimension, FloatRange | IntRange) and isinstance(value, int | float):
            upper = end_of(dimension, float(value)) if dimension.low < dimension.high else None
            if upper is not None:
                found[dimension.name] = upper
    return found


def end_of(dimension: FloatRange | IntRange, value: float) -> bool | None:
    """At which end of the range a value lies, the upper one being True; None where it lies at neither."""
    low, high = dimension.low, dimension.high
    if dimension.log:
        low, high, value = map(math.log, (low, high, value))
    share = (value - low) / (high - low)
    return True if share >= 1 - EDGE else False if share <= EDGE else None


def _wider(dimension: FloatRange | IntRange, *, upper: bool) -> tuple[float, float]:
    low, high = float(dimension.low), float(dimension.high)
    if dimension.log:
        factor = (high / low) ** WIDER
        return (low, high * factor) if upper else (low / factor, high)
    more = (high - low) * WIDER
    return (low, high + more) if upper else (low - more, high)
