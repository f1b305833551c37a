"""Candidates made from good ones: by small changes, by crossing, and all neighbours of a candidate."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from nas.samplers.distributions import at

Genotype = dict[str, Any]
STEP = 0.15
"""Standard deviation of a small change of a number, as a share of its range."""
SMALL = 0.7
"""Share of the changes of a number that are small; in the others the number is drawn anew."""


def mutate(
    parent: Mapping[str, Any],
    distributions: Mapping[str, BaseDistribution],
    active: Sequence[str],
    rng: np.random.Generator,
) -> Genotype:
    """The parent with one active decision changed; half as often with two, a quarter as often with three, and so on."""
    child = dict(parent)
    free = [name for name in active if not distributions[name].single()]
    count = min(int(rng.geometric(0.5)), len(free))
    for place in rng.choice(len(free), count, replace=False) if free else ():
        name = free[int(place)]
        child[name] = _changed(distributions[name], child[name], rng)
    return child


def cross(a: Mapping[str, Any], b: Mapping[str, Any], rng: np.random.Generator) -> Genotype:
    """A genotype that takes each decision from one of two parents."""
    return {name: (a if rng.random() < 0.5 else b)[name] for name in a}


def neighbours(
    parent: Mapping[str, Any], distributions: Mapping[str, BaseDistribution], active: Sequence[str]
) -> Iterator[Genotype]:
    """Every candidate that differs in one active decision; numbers with many values change by a few steps."""
    for name in active:
        for value in _others(distributions[name], parent[name]):
            yield {**parent, name: value}


def _share(distribution: BaseDistribution, value: float) -> float:
    """Relative position of a number in its range, from 0 to 1."""
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if distribution.log:
        return (math.log(value) - math.log(distribution.low)) / (
            math.log(distribution.high) - math.log(distribution.low)
        )
    return float((value - distribution.low) / (distribution.high - distribution.low))


def _changed(distribution: BaseDistribution, value: Any, rng: np.random.Generator) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        others = _others(distribution, value)
        return others[int(rng.integers(len(others)))]
    if rng.random() < SMALL:
        changed = at(distribution, min(max(_share(distribution, value) + STEP * rng.standard_normal(), 0.0), 1.0))
        if changed != value:
            return changed
    return at(distribution, rng.random())


def _others(distribution: BaseDistribution, value: Any) -> list[Any]:
    if isinstance(distribution, CategoricalDistribution):
        return [choice for choice in distribution.choices if not (choice == value and type(choice) is type(value))]
    if distribution.single():
        return []
    place = _share(distribution, value)
    shares = (place + step for step in (-2 * STEP, -STEP, -STEP / 4, STEP / 4, STEP, 2 * STEP))
    values = dict.fromkeys(at(distribution, min(max(share, 0.0), 1.0)) for share in shares)
    if isinstance(distribution, IntDistribution):
        step = distribution.step
        values |= dict.fromkeys(v for v in (value - step, value + step) if distribution.low <= v <= distribution.high)
    return [other for other in values if other != value]
