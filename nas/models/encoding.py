"""Encodes decisions as numbers between which distances are meaningful.

The squared distance of two candidates along a decision is 0 if its values are equal and about 1 if they differ most:

* a named choice: 1 where the names differ;
* a number: the squared difference on a range of 1 (of logarithms where the range is logarithmic);
* a choice among numbers, such as widths: the mean of both;
* a decision that is inactive in one of the two counts as a different name, and one that is inactive in both as equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

Active = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Maps a value for every decision to the values of those decisions that have an effect."""
Row = list[float]
"""Features of one decision; the last feature says whether the decision is inactive."""
HALF = math.sqrt(0.5)


class Encoding:
    """The features of candidates, as `GaussianProcess` takes them.

    Args:
        distributions: Every decision by name; those with a single value are left out.
        active: Gives the decisions that have an effect in a candidate.
    """

    def __init__(self, distributions: Mapping[str, BaseDistribution], active: Active) -> None:
        self._active = active
        self._parts = [
            (name, *_part(distribution)) for name, distribution in distributions.items() if not distribution.single()
        ]
        sizes = [len(absent) for *_, absent in self._parts]
        self.decisions: NDArray[np.int64] = np.repeat(np.arange(len(sizes)), sizes)
        """Number of the decision that each feature belongs to, `int[f]`."""

    def __call__(self, genotypes: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
        """The features of n candidates, `float[n f]`."""
        rows = [self._row(self._active(genotype)) for genotype in genotypes]
        return np.array(rows, dtype=np.float64).reshape(len(genotypes), len(self.decisions))

    def _row(self, active: Mapping[str, Any]) -> list[float]:
        row: list[float] = []
        for name, present, absent in self._parts:
            row += present(active[name]) if name in active else absent
        return row


def _part(distribution: BaseDistribution) -> tuple[Callable[[Any], Row], Row]:
    """A map from a value of a decision to its features, and the features of its absence."""
    if isinstance(distribution, CategoricalDistribution):
        present = _chosen(distribution.choices)
        return present, [0.0] * (len(present(distribution.choices[0])) - 1) + [HALF]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return _scaled(distribution.low, distribution.high, distribution.log), [0.0, HALF]


def _chosen(choices: Sequence[Any]) -> Callable[[Any], Row]:
    """A map from a choice to its features: its place among the choices, if these are numbers, and which one it is."""
    names = [[float(k == own) for k in range(len(choices))] for own in range(len(choices))]
    if len(choices) > 2 and all(isinstance(c, int | float) and not isinstance(c, bool) for c in choices):
        ordered = sorted(choices)
        features = [
            [HALF * ordered.index(choice) / (len(ordered) - 1), *(0.5 * name for name in own), 0.0]
            for choice, own in zip(choices, names, strict=True)
        ]
    else:
        features = [[*(HALF * name for name in own), 0.0] for own in names]

    def present(value: Any) -> Row:
        for choice, row in zip(choices, features, strict=True):
            if value == choice and type(value) is type(choice):
                return row
        return features[choices.index(value)]  # a stored value may be equal but of another type, such as 8.0 for 8

    return present


def _scaled(low: float, high: float, log: bool) -> Callable[[Any], Row]:
    """A map of values to -0.5 ... 0.5, so that the numbers at both ends are equally far from an inactive decision."""
    if log:
        bottom, width = math.log(low), math.log(high) - math.log(low)
        return lambda value: [(math.log(min(max(value, low), high)) - bottom) / width - 0.5, 0.0]
    return lambda value: [(min(max(value, low), high) - low) / (high - low) - 0.5, 0.0]
