"""The spaces on which samplers are compared: tables of trained networks, and a mixed conditional space with a known front."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution

from nas.dimensions import Choice, FloatRange, IntRange, When
from nas.errors import DataError
from nas.pareto import hypervolume
from nas.samplers.distributions import distributions, draw
from nas.simple_space import SimpleSpace
from nas.table import Table
from search_spaces.tabular import coding_of, tabular_space

Genotype = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A space with accuracies and costs, and the value of its front."""

    name: str
    space: SimpleSpace
    accuracy: Callable[[Genotype], float]
    """Gives the mean accuracy of a candidate, in percent."""
    cost: Callable[[Genotype], float]
    observe: Callable[[Genotype, np.random.Generator], float]
    """Gives the value that a trial sees, which is the accuracy itself unless there is noise."""
    every: Sequence[tuple[float, float]]
    """Accuracy and cost of every candidate, or of those that can be on the front and a sample of the others."""

    @cached_property
    def distributions(self) -> dict[str, BaseDistribution]:
        """Optuna's form of the decisions."""
        return distributions(self.space.dimensions)

    def key(self, genotype: Genotype) -> str:
        """A key that is equal for genotypes that mean the same."""
        return self.space.decode(genotype).digest

    def score(self, found: Sequence[tuple[float, float]]) -> float:
        """Share of the true front's hypervolume on log cost, from the median accuracy and the largest cost."""
        return _volume(found, self._median, math.log10) / self._best

    def score_linear(self, found: Sequence[tuple[float, float]]) -> float:
        """The same share on the cost itself and from the lowest accuracy; it hardly discriminates, as every network scores high."""
        return _volume(found, self._lowest, float) / self._best_linear

    @cached_property
    def _median(self) -> tuple[float, float]:
        return float(np.median([accuracy for accuracy, _ in self.every])), max(cost for _, cost in self.every)

    @cached_property
    def _lowest(self) -> tuple[float, float]:
        return min(accuracy for accuracy, _ in self.every), max(cost for _, cost in self.every)

    @cached_property
    def _best(self) -> float:
        return _volume(self.every, self._median, math.log10)

    @cached_property
    def _best_linear(self) -> float:
        return _volume(self.every, self._lowest, float)


def _volume(
    points: Sequence[tuple[float, float]], reference: tuple[float, float], scale: Callable[[float], float]
) -> float:
    """Hypervolume in percent times the scaled cost, in O(n log n), with the best accuracy of equal costs."""
    best = -math.inf
    front = []
    for accuracy, cost in sorted(points, key=lambda point: (point[1], -point[0])):
        if accuracy > best:
            best = accuracy
            front.append((-accuracy, scale(cost)))
    return hypervolume(front, (-reference[0], scale(reference[1])))


def table_problem(table: Table, name: str, accuracy: str, cost: str, draws: str | None = None) -> Problem:
    """The problem of searching the networks of a table.

    Args:
        table: A table of trained networks.
        name: The name of the problem in results.
        accuracy: The metric that is maximized.
        cost: The metric that is minimized, always above 0.
        draws: A metric that is a list of accuracies, of which a trial sees one. Default: a trial sees `accuracy`.

    Raises:
        DataError: A metric is missing or not a number, or a cost is not above 0.
    """
    accuracies, costs, space = table.column(accuracy), table.column(cost), tabular_space(table)
    if low := [coding for coding, value in costs.items() if value <= 0]:
        raise DataError(f"{name}: {cost} of {low[0]!r} is {costs[low[0]]:g}; a logarithmic cost must be above 0")
    if draws is not None and (
        bad := [coding for coding in accuracies if not isinstance(table[coding].get(draws), list)]
    ):
        raise DataError(f"{name}: {draws} of {bad[0]!r} is no list of accuracies")

    def coding(genotype: Genotype) -> str:
        return coding_of(space.decode(genotype))

    def observe(genotype: Genotype, rng: np.random.Generator) -> float:
        return accuracies[coding(genotype)] if draws is None else float(rng.choice(table[coding(genotype)][draws]))

    return Problem(
        name=name,
        space=space,
        accuracy=lambda genotype: accuracies[coding(genotype)],
        cost=lambda genotype: costs[coding(genotype)],
        observe=observe,
        every=[(accuracies[each], costs[each]) for each in accuracies],
    )


WIDTHS = (8, 12, 16, 24, 32, 48, 64)
MIXERS = ("fixed", "static", "dynamic")
LEARNED = When(name="mixer", values=("static", "dynamic"))
DYNAMIC = When(name="mixer", values=("dynamic",))
MIXED = SimpleSpace(
    "mixed",
    Choice(name="width", choices=WIDTHS),
    IntRange(name="depth", low=1, high=6),
    Choice(name="mixer", choices=MIXERS),
    Choice(name="groups", choices=(1, 2, 4), condition=(LEARNED,)),
    Choice(name="reduction", choices=(4, 8, 16), condition=(DYNAMIC,)),
    FloatRange(name="temperature", low=0.25, high=4.0, log=True, condition=(LEARNED,)),
    FloatRange(name="lr", low=0.01, high=1.0, log=True),
    FloatRange(name="weight_decay", low=1e-5, high=1e-2, log=True),
)


def _mixed_cost(genotype: Genotype) -> float:
    width, depth = genotype["width"], genotype["depth"]
    cost = 40.0 * width**1.7 * (1 + depth)
    return float(cost + (depth * width**2 / genotype["reduction"] if genotype["mixer"] == "dynamic" else 0.0))


def _mixed_accuracy(genotype: Genotype) -> float:
    """Accuracy in closed form. The best rate changes with the width, so that decisions have to be found together."""
    width, depth, mixer = genotype["width"], genotype["depth"], genotype["mixer"]
    accuracy = 96.0 - 30.0 * width**-0.45 * depth**-0.3
    if mixer != "fixed":
        accuracy += {"static": 0.3, "dynamic": 0.9}[mixer] - 0.25 * abs(math.log2(genotype["groups"]) - 1)
        accuracy -= 0.8 * math.log2(genotype["temperature"]) ** 2 / 4
    if mixer == "dynamic":
        accuracy -= 0.02 * genotype["reduction"] + (0.6 if width < 16 else 0.0)
    accuracy -= 2.5 * (math.log10(genotype["lr"]) + 0.4 + 0.5 * math.log10(width / 8)) ** 2
    return float(accuracy - 0.5 * (math.log10(genotype["weight_decay"]) + 3.5) ** 2)


def mixed_problem(noise: float = 0.0) -> Problem:
    """A problem with choices, integers, floats and conditions, like our own spaces. Its front uses the best real numbers.

    Args:
        noise: Standard deviation of the value that a trial sees, in points.
    """
    ideal = []
    for width, depth, mixer, groups, reduction in itertools.product(WIDTHS, range(1, 7), MIXERS, (1, 2, 4), (4, 8, 16)):
        rate = min(max(10 ** -(0.4 + 0.5 * math.log10(width / 8)), 0.01), 1.0)
        genotype = {"width": width, "depth": depth, "mixer": mixer, "groups": groups, "reduction": reduction}
        genotype |= {"temperature": 1.0, "lr": rate, "weight_decay": 10**-3.5}
        ideal.append((_mixed_accuracy(genotype), _mixed_cost(genotype)))
    rng, domains = np.random.default_rng(0), distributions(MIXED.dimensions)
    sample = [draw(domains, rng) for _ in range(20_000)]
    usual = [(_mixed_accuracy(genotype), _mixed_cost(genotype)) for genotype in sample]
    return Problem(
        name="mixed",
        space=MIXED,
        accuracy=_mixed_accuracy,
        cost=_mixed_cost,
        observe=lambda genotype, noisy: _mixed_accuracy(genotype) + noise * float(noisy.standard_normal()),
        every=[*usual, *ideal],
    )
