"""The objectives and limits of a study on the scale on which the sampler compares them, and the costs of candidates."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.study import StudyDirection

from nas.values.plausible import LARGEST, usable

Array = NDArray[np.float64]
Genotype = Mapping[str, Any]
CostOfGenotype = Callable[[Genotype], float]
LEAST = 1e-9
"""Smaller costs, which have no useful logarithm, count as this much."""
MOST_KNOWN = 4096
"""Number of candidates whose costs are kept. A pool has thousands for each trial, which are hardly asked for again."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit on one cost."""

    cost: CostOfGenotype
    value: float
    smallest: bool = False
    """Whether the limit is the smallest allowed cost, rather than the largest."""

    def holds(self, genotype: Genotype) -> bool:
        """Whether a cost is within the limit."""
        cost = usable(self.cost(genotype))
        return math.isfinite(cost) and (cost >= self.value if self.smallest else cost <= self.value)


@dataclass(frozen=True, slots=True)
class Axes:
    """The objectives of a study, each turned so that lower costs and higher accuracies are better.

    Raises:
        ValueError: Every objective is a known cost, so that nothing is to be learned, or a cost belongs to no objective.
    """

    signs: Array
    """-1 for objectives whose sign is changed, else 1, `float[o]`: maximized costs and minimized learned objectives."""
    costs: Mapping[int, CostOfGenotype]
    """The functions for the known costs, by position of the objective."""
    limits: tuple[Limit, ...] = ()

    @property
    def learned(self) -> int:
        """Position of the objective that is modelled: the first without a known cost."""
        return next(axis for axis in range(len(self.signs)) if axis not in self.costs)

    @property
    def sampled(self) -> list[int]:
        """Positions of further objectives without a known cost."""
        return [axis for axis in range(len(self.signs)) if axis not in self.costs and axis != self.learned]

    @classmethod
    def of(
        cls,
        directions: list[StudyDirection],
        names: list[str] | None,
        costs: Mapping[int | str, CostOfGenotype],
        limits: Mapping[int | str, float],
    ) -> Axes:
        """Axes from a study's directions and metric names, and from costs and limits by position or name.

        A cost that is not an objective of the study may be given under a name of its own, if it has a limit.
        """
        positions: dict[int | str, int] = {axis: axis for axis in range(len(directions))}
        positions |= {name: axis for axis, name in enumerate(names or [])}
        for key in costs:
            if key not in positions and key not in limits:
                known = ", ".join(map(repr, positions))
                raise ValueError(f"a cost of {key!r}, which is no objective of the study ({known}) and has no limit")
        if missing := [key for key in limits if key not in costs]:
            raise ValueError(f"a limit of {missing[0]!r}, whose cost is not given")
        known_axes = {positions[key]: function for key, function in costs.items() if key in positions}
        if len(known_axes) == len(directions):
            raise ValueError("every objective of the study is a known cost; at least one must be learned")
        upward = [direction is StudyDirection.MAXIMIZE for direction in directions]
        learned = next(axis for axis in range(len(directions)) if axis not in known_axes)
        signs = [1.0 if is_up == (axis == learned) else -1.0 for axis, is_up in enumerate(upward)]
        turned = {key for key, axis in positions.items() if signs[axis] < 0}
        return cls(
            np.array(signs),
            known_axes,
            tuple(Limit(costs[key], value, smallest=key in turned) for key, value in limits.items()),
        )


class Costs:
    """The known costs of candidates on the scale on which the sampler compares them. At most `MOST_KNOWN` are kept.

    The scale is the decimal logarithm, on which differences are ratios; a cost that is maximized is negated instead.

    Args:
        axes: The objectives.
        key: Gives a key that is equal for genotypes that mean the same.
    """

    def __init__(self, axes: Axes, key: Callable[[Genotype], Hashable]) -> None:
        self._axes = axes
        self._key = key
        self._known: dict[Hashable, tuple[float, ...]] = {}
        self._order = sorted(axes.costs)

    def raw(self, genotype: Genotype, key: Hashable | None = None) -> tuple[float, ...]:
        """Costs in their own units, in the order of the objectives; infinite where a number is refused.

        Passing the key of the genotype, where it is known, saves computing it again.
        """
        key = self._key(genotype) if key is None else key
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            found = self._known[key] = tuple([usable(self._axes.costs[axis](genotype)) for axis in self._order])
        return found

    def forget(self, key: Hashable) -> None:
        """Forgets a candidate's costs, because predictions have been replaced by measurements."""
        self._known.pop(key, None)

    def scaled(self, genotype: Genotype, key: Hashable | None = None) -> tuple[float, ...]:
        """Costs on the scale of the comparison, where lower is better."""
        return tuple(
            math.log10(min(max(value, LEAST), LARGEST)) if self._axes.signs[axis] > 0 else -min(value, LARGEST)
            for axis, value in zip(self._order, self.raw(genotype, key), strict=True)
        )

    def table(self, genotypes: Sequence[Genotype], keys: Sequence[Hashable] | None = None) -> Array:
        """Costs of some candidates on the scale of the comparison, `float[m k]`."""
        known = [None] * len(genotypes) if keys is None else keys
        rows = [self.scaled(genotype, key) for genotype, key in zip(genotypes, known, strict=True)]
        return np.array(rows).reshape(len(genotypes), len(self._order))

    def allowed(self, genotype: Genotype, key: Hashable | None = None) -> bool:
        """Whether a candidate's costs are usable numbers within all limits."""
        taken = math.inf not in self.raw(genotype, key)
        return taken and (not self._axes.limits or all(limit.holds(genotype) for limit in self._axes.limits))
