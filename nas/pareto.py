"""Dominance, fronts and hypervolume, all in losses (lower is better).

Values are finite: NaN and infinity are refused where results enter (`records.Measurement`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, ...]


def dominates(a: Point, b: Point) -> bool:
    """Whether `a` is nowhere worse than `b`, and better in at least one coordinate."""
    return all(x <= y for x, y in zip(a, b, strict=True)) and a != b


def non_dominated(points: Sequence[Point]) -> list[int]:
    """Positions of the points that no other point dominates, sorted by the last coordinate; the first of equal points stays.

    Takes O(n m) comparisons for n points of which m are on the front.
    """
    order = sorted(range(len(points)), key=lambda i: (tuple(reversed(points[i])), i))
    front: list[int] = []
    for i in order:
        if not any(dominates(points[j], points[i]) or points[j] == points[i] for j in front):
            front.append(i)
    return front


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """The volume that the points dominate, up to `reference`.

    Exact, by slicing along the last coordinate: fine for a few objectives and some hundred front members.
    Points that are not better than the reference in every coordinate add nothing.
    """
    inside = [p for p in points if all(x < r for x, r in zip(p, reference, strict=True))]
    if not inside:
        return 0.0
    if len(reference) == 1:
        return reference[0] - min(p[0] for p in inside)
    inside.sort(key=lambda p: p[-1])
    volume = 0.0
    for position, point in enumerate(inside):
        upper = inside[position + 1][-1] if position + 1 < len(inside) else reference[-1]
        if upper > point[-1]:
            volume += (upper - point[-1]) * hypervolume([p[:-1] for p in inside[: position + 1]], reference[:-1])
    return volume


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoFront:
    """The trials at full budget that no other trial dominates, cheapest first. It holds numbers, no models."""

    trials: tuple[int, ...]
    """Trial numbers, in ascending order of the second objective (the cost)."""
    values: tuple[tuple[float, ...], ...]
    """For each member, the values of its objectives in their own units and directions."""
    objectives: tuple[str, ...]
    """Names of the objectives, in the order of `values`."""
    hypervolume: float
    """The hypervolume up to the references of the settings, in the product of the objectives' units (log10 where
    `Objective.log`).
    """

    def __len__(self) -> int:
        return len(self.trials)
