"""Decisions as numbers between which distances mean something.

The squared distance of two candidates along a decision is 0 where it is equal and about 1 where it differs most:

* a named choice: 1 where the names differ;
* a number: the squared difference on a range of 1 (of logarithms where the range is logarithmic);
* a choice among numbers, such as widths: half of each;
* inactive in one of the two: as another name; inactive in both: 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

Active = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""From a value for every decision to the values of those that have an effect."""
HALF = math.sqrt(0.5)


class Encoding:
    """Features of candidates, for `gaussian_process`.

    Args:
        distributions: Every decision by name; those with a single value are left out.
        active: Which of them have an effect in a candidate.
    """

    def __init__(self, distributions: Mapping[str, BaseDistribution], active: Active) -> None:
        self._active = active
        self._columns = [
            (name, _columns(distribution)) for name, distribution in distributions.items() if not distribution.single()
        ]
        sizes = [len(columns) + 1 for _, columns in self._columns]
        self.decisions: NDArray[np.int64] = np.repeat(np.arange(len(sizes)), sizes)
        """Number of the decision that each feature belongs to, `int[f]`."""

    def __call__(self, genotypes: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
        """`float[n f]`."""
        rows = np.zeros((len(genotypes), len(self.decisions)))
        for row, genotype in zip(rows, genotypes, strict=True):
            active = self._active(genotype)
            place = 0
            for name, columns in self._columns:
                if name in active:
                    for offset, column in enumerate(columns):
                        row[place + offset] = column(active[name])
                else:
                    row[place + len(columns)] = HALF
                place += len(columns) + 1
        return rows


Column = Callable[[Any], float]


def _columns(distribution: BaseDistribution) -> list[Column]:
    """What a value of the decision is in each of its features."""
    if isinstance(distribution, CategoricalDistribution):
        choices = distribution.choices
        if len(choices) > 2 and all(isinstance(c, int | float) and not isinstance(c, bool) for c in choices):
            return [_position(choices, HALF), *(_is(choice, 0.5) for choice in choices)]
        return [_is(choice, HALF) for choice in choices]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return [_scaled(distribution.low, distribution.high, distribution.log)]


def _is(choice: Any, weight: float) -> Column:
    return lambda value: weight if value == choice and type(value) is type(choice) else 0.0


def _position(choices: Sequence[Any], weight: float) -> Column:
    ordered = sorted(choices)
    return lambda value: weight * ordered.index(value) / (len(ordered) - 1)


def _scaled(low: float, high: float, log: bool) -> Column:
    """Minus a half to a half, so that a number is as far from inactive at either end."""
    if log:
        bottom, width = math.log(low), math.log(high) - math.log(low)
        return lambda value: (math.log(min(max(value, low), high)) - bottom) / width - 0.5
    return lambda value: (min(max(value, low), high) - low) / (high - low) - 0.5
