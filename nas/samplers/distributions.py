"""The one place where our dimensions become Optuna's distributions."""

from __future__ import annotations

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
