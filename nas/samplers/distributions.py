"""Our dimensions as Optuna's distributions, and values drawn from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from nas.dimensions import Choice, Dimension, IntRange


def distribution(dimension: Dimension) -> BaseDistribution:
    """The Optuna distribution of one decision."""
    if isinstance(dimension, Choice):
        return CategoricalDistribution(dimension.choices)
    if isinstance(dimension, IntRange):
        return IntDistribution(dimension.low, dimension.high, log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def distributions(dimensions: tuple[Dimension, ...]) -> dict[str, BaseDistribution]:
    """The Optuna distributions of a space by name, in the order of its dimensions."""
    return {dimension.name: distribution(dimension) for dimension in dimensions}


def draw(distributions: Mapping[str, BaseDistribution], rng: np.random.Generator) -> dict[str, Any]:
    """A genotype drawn uniformly (log-uniformly where a range is logarithmic)."""
    return {name: at(distribution, rng.random()) for name, distribution in distributions.items()}


def contains(distribution: BaseDistribution, value: Any) -> bool:
    """Whether a value belongs to a distribution."""
    try:
        return distribution._contains(distribution.to_internal_repr(value))
    except ValueError:
        return False


def at(distribution: BaseDistribution, share: float) -> Any:
    """The value at a relative position in a distribution, from 0 to 1."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[min(int(share * len(distribution.choices)), len(distribution.choices) - 1)]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high, step = float(distribution.low), float(distribution.high), distribution.step
    whole = isinstance(distribution, IntDistribution)
    if whole:  # so that the ends are as likely as the others
        margin = 0.5 if distribution.log else (step or 1) / 2
        low, high = low - margin, high + margin
    value = low * (high / low) ** share if distribution.log else low + share * (high - low)
    if step is not None and not distribution.log:
        value = distribution.low + round((value - distribution.low) / step) * step
    value = min(max(value, distribution.low), distribution.high)
    return round(value) if whole else float(value)
