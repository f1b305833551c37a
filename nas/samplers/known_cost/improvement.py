"""The expected gain in hypervolume of candidates whose costs are known, in closed form.

A candidate with accuracy y at cost c gains the integral over costs t >= c of (y - a(t))+, where a(t) is the best accuracy
of the front at costs up to t, and the reference where the front has no such member. So the expectation is a sum of expected
improvements over the pieces on which a is constant. With several costs the pieces are the cells of a grid.

Axes: n finished candidates, m candidates to compare, k costs, p pieces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Array = NDArray[np.float64]

MOST_EDGES = 24
"""Most edges along each cost if there are several costs, since the number of cells is their product."""


@dataclass(frozen=True, slots=True)
class Staircase:
    """The best accuracy as a function of the costs: constant on cells between edges, higher is better.

    Args:
        edges: For each cost the lower edges of the cells in ascending order, followed by the reference.
        levels: Best accuracy in each cell, `float[p1 ... pk]`.
    """

    edges: tuple[Array, ...]
    levels: Array

    @classmethod
    def of(cls, accuracies: Array, costs: Array, reference: float, cost_references: Array) -> Staircase:
        """The staircase of some candidates.

        Args:
            accuracies: Accuracy of each candidate, `float[n]`.
            costs: Costs of each candidate, `float[n k]`; lower is better.
            reference: Accuracy below which nothing counts.
            cost_references: Costs above which nothing counts, `float[k]`.
        """
        counts = (accuracies > reference) & (costs < cost_references).all(1)
        accuracies, costs = accuracies[counts], costs[counts]
        kept = _front(accuracies, costs)
        accuracies, costs = accuracies[kept], costs[kept]
        edges = tuple(_edges(costs[:, axis], limit) for axis, limit in enumerate(cost_references))
        grid = np.full([len(axis) - 1 for axis in edges], reference)
        for accuracy, place in zip(accuracies, costs, strict=True):
            corner = tuple(
                slice(int(np.searchsorted(axis[:-1], value)), None) for axis, value in zip(edges, place, strict=True)
            )
            grid[corner] = np.maximum(grid[corner], accuracy)
        return cls(edges, grid)

    def overlaps(self, costs: Array) -> Array:
        """The part of each cell that a candidate at these costs dominates: `float[m k] -> float[m p]`."""
        lengths = [np.ones((len(costs), 1))]
        for axis, edges in enumerate(self.edges):
            lower = np.maximum(edges[:-1][None], costs[:, axis, None])
            lengths.append(np.maximum(edges[1:][None] - lower, 0.0))
        return reduce(lambda a, b: (a[:, :, None] * b[:, None, :]).reshape(len(a), -1), lengths)

    def depth(self, accuracies: Array, costs: Array) -> Array:
        """How far candidates are below the staircase, 0 on it: `float[m], float[m k] -> float[m]`."""
        cells = tuple(
            np.clip(np.searchsorted(edges, costs[:, axis], side="right") - 1, 0, len(edges) - 2)
            for axis, edges in enumerate(self.edges)
        )
        return np.asarray(np.broadcast_to(self.levels[cells], accuracies.shape) - accuracies)

    def expected(self, means: Array, deviations: Array, costs: Array) -> Array:
        """Expected gain of candidates with normally distributed accuracy: `float[m], float[m], float[m k] -> float[m]`."""
        gains = expected_improvement(means[:, None], deviations[:, None], self.levels.reshape(1, -1))
        return np.asarray((self.overlaps(costs) * gains).sum(1))

    def gain(self, accuracies: Array, costs: Array) -> Array:
        """Gain of candidates with known accuracy: `float[m], float[m k] -> float[m]`."""
        above = np.maximum(accuracies[:, None] - self.levels.reshape(1, -1), 0.0)
        return np.asarray((self.overlaps(costs) * above).sum(1))


def expected_improvement(means: Array, deviations: Array, levels: Array) -> Array:
    """E[(y - level)+] for y ~ N(mean, deviation^2), elementwise.

    Source: Jones et al., Efficient global optimization, 1998.
    """
    z = (means - levels) / deviations
    density = np.exp(-0.5 * np.square(z)) / math.sqrt(2.0 * math.pi)
    return np.asarray(deviations * (z * ndtr(z) + density))


def _front(accuracies: Array, costs: Array) -> NDArray[np.int64]:
    """Positions of the candidates that no other dominates, one of each set of equal ones; takes one step per position."""
    losses = np.column_stack((-accuracies, costs))
    left = np.lexsort(losses.T[::-1])
    kept: list[int] = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(int(best))
        left = left[(losses[left] < losses[best]).any(1)]
    return np.array(kept, dtype=np.int64)


def _edges(values: Array, limit: float) -> Array:
    """Edges of the cells along one cost, from far below every candidate."""
    distinct = np.unique(values)
    if len(distinct) > MOST_EDGES:
        distinct = distinct[np.linspace(0, len(distinct) - 1, MOST_EDGES).round().astype(int)]
    return np.concatenate(([-np.inf], distinct, [limit]))
