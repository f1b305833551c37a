"""The objectives and limits of a study as the sampler compares them, and what candidates cost."""

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
"""Costs below it, which have no useful logarithm, count as this much."""
MOST_KNOWN = 4096
"""Candidates whose costs are kept. Those of a pool, thousands for each trial, are hardly asked for again."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What a cost must not go beyond."""

    cost: CostOfGenotype
    value: float
    smallest: bool = False
    """Whether it is the smallest allowed one."""

    def holds(self, genotype: Genotype) -> bool:
        """Whether a candidate is within it."""
        cost = usable(self.cost(genotype))
        return math.isfinite(cost) and (cost >= self.value if self.smallest else cost <= self.value)


@dataclass(frozen=True, slots=True)
class Axes:
    """The objectives of a study, each turned so that lower costs and higher accuracies are better.

    Raises:
        ValueError: Every objective is a known cost, so that nothing is to be learned, or a cost is for none of them.
    """

    signs: Array
    """-1 for objectives that are turned, `float[o]`: costs that are maximized, learned ones that are minimized."""
    costs: Mapping[int, CostOfGenotype]
    """By position of the objective."""
    limits: tuple[Limit, ...] = ()

    @property
    def learned(self) -> int:
        """The objective that is modelled: the first without a known cost."""
        return next(axis for axis in range(len(self.signs)) if axis not in self.costs)

    @property
    def sampled(self) -> list[int]:
        """Further objectives without a known cost."""
        return [axis for axis in range(len(self.signs)) if axis not in self.costs and axis != self.learned]

    @classmethod
    def of(
        cls,
        directions: list[StudyDirection],
        names: list[str] | None,
        costs: Mapping[int | str, CostOfGenotype],
        limits: Mapping[int | str, float],
    ) -> Axes:
        """From a study's directions, its metric names if it has some, and costs and limits by position or name.

        A cost that is no objective of the study may be given by a name of its own, if it has a limit.
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
    """The known costs of candidates, on the scale on which the sampler compares them. At most `MOST_KNOWN` are kept.

    That is the decimal logarithm, which shows differences as ratios; a cost that is maximized is taken as it is, negative.

    Args:
        axes: The objectives.
        key: Names what a genotype means.
    """

    def __init__(self, axes: Axes, key: Callable[[Genotype], Hashable]) -> None:
        self._axes = axes
        self._key = key
        self._known: dict[Hashable, tuple[float, ...]] = {}
        self._order = sorted(axes.costs)

    def raw(self, genotype: Genotype, key: Hashable | None = None) -> tuple[float, ...]:
        """In the units of the functions given, in the order of the objectives; infinite where a number is refused.

        A key that is known need not be made again.
        """
        key = self._key(genotype) if key is None else key
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            found = self._known[key] = tuple([usable(self._axes.costs[axis](genotype)) for axis in self._order])
        return found

    def forget(self, key: Hashable) -> None:
        """A candidate's costs may be known better now: those that were expected have been measured."""
        self._known.pop(key, None)

    def scaled(self, genotype: Genotype, key: Hashable | None = None) -> tuple[float, ...]:
        """To be compared: lower is better."""
        return tuple(
            math.log10(min(max(value, LEAST), LARGEST)) if self._axes.signs[axis] > 0 else -min(value, LARGEST)
            for axis, value in zip(self._order, self.raw(genotype, key), strict=True)
        )

    def table(self, genotypes: Sequence[Genotype], keys: Sequence[Hashable] | None = None) -> Array:
        """Scaled costs of some candidates, `float[m k]`."""
        known = [None] * len(genotypes) if keys is None else keys
        rows = [self.scaled(genotype, key) for genotype, key in zip(genotypes, known, strict=True)]
        return np.array(rows).reshape(len(genotypes), len(self._order))

    def allowed(self, genotype: Genotype, key: Hashable | None = None) -> bool:
        """Whether its costs are numbers that are taken, and within all limits."""
        taken = math.inf not in self.raw(genotype, key)
        return taken and (not self._axes.limits or all(limit.holds(genotype) for limit in self._axes.limits))
