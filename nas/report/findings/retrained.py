"""What the networks of a search that were trained anew reached on the test images, and how sure that is.

The spread over seeds and the number of test images are two sources of doubt, and are told apart: the intervals here are of the
seeds, and the standard error of a value is of the images.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np

from nas.pareto import non_dominated
from nas.retraining.networks import Role
from nas.retraining.results import NO_TEACHER, Entry, Retrained
from nas.search.result import SearchResult

LEVEL = 0.95
"""Probability with which an interval is meant to hold the true value."""
LEAST_NETWORKS = 3
"""An order of fewer networks says nothing."""
DRAWS = 2000
"""Number of draws of seeds from which the interval of an order is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What an entry reached on the test images."""

    mean: float
    """Mean over seeds of the learned objective."""
    deviation: float | None
    """Standard deviation over seeds; None for one seed."""
    error: float | None
    """Standard error of a value from the number of test images alone; None if unknown."""
    seeds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A difference between two entries, paired by seed."""

    entry: str
    other: str
    mean: float
    """The first minus the other."""
    half_width: float | None
    """Half the width of its 95 % interval over seeds, by Student's t; None for one seed."""
    seeds: int

    @property
    def resolved(self) -> bool:
        """Whether the interval is all on one side of 0."""
        return self.half_width is not None and abs(self.mean) > self.half_width


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How well the order of the search agrees with the order after training anew."""

    epochs: int
    teacher: str
    networks: int
    tau: float
    """Kendall's tau-b, from -1 to 1."""
    interval: tuple[float, float] | None
    """Its 95 % interval, by a bootstrap over seeds; None for one seed."""


def values_of(entry: Entry, learned: str) -> dict[int, float]:
    """The values of the learned objective by seed."""
    return {seed: found[learned].mean for seed, found in sorted(entry.values.items()) if learned in found}


def reached(entry: Entry, learned: str) -> Reached | None:
    """What an entry reached; None if none of its trainings gave a network."""
    values = list(values_of(entry, learned).values())
    if not values:
        return None
    errors = [found[learned].standard_error for found in entry.values.values() if found[learned].n > 1]
    return Reached(
        mean=fmean(values),
        deviation=stdev(values) if len(values) > 1 else None,
        error=fmean(errors) if errors else None,
        seeds=len(values),
    )


def versus_peer(retrained: Retrained, learned: str) -> list[Difference]:
    """Each chosen entry minus the unchanged network beside it, where both were trained in the same way."""
    pairs = [
        (one, other)
        for one in retrained.entries
        for other in retrained.entries
        if one.network.peer == other.network.name and one.way == other.way
    ]
    return [found for pair in pairs if (found := _difference(*pair, learned)) is not None]


def versus_untaught(retrained: Retrained, learned: str) -> list[Difference]:
    """Each entry with a teacher minus the same network without one, trained for as many epochs."""
    alone = {
        (one.network.candidate.digest, one.epochs): one
        for one in retrained.entries
        if one.teacher == NO_TEACHER and one.network.role is not Role.TEACHER
    }
    pairs = [
        (one, other)
        for one in retrained.entries
        if one.teacher != NO_TEACHER and (other := alone.get((one.network.candidate.digest, one.epochs))) is not None
    ]
    return [found for pair in pairs if (found := _difference(*pair, learned)) is not None]


def _difference(one: Entry, other: Entry, learned: str) -> Difference | None:
    from scipy.stats import t

    first, second = values_of(one, learned), values_of(other, learned)
    differences = [first[seed] - second[seed] for seed in first if seed in second]
    if not differences:
        return None
    n, half = len(differences), None
    if n > 1:
        half = float(t.ppf(0.5 + LEVEL / 2, n - 1)) * stdev(differences) / math.sqrt(n)
    return Difference(entry=one.name, other=other.name, mean=fmean(differences), half_width=half, seeds=n)


def orders(retrained: Retrained, learned: str) -> list[Order]:
    """For each way of training with enough networks that the search had ranked: how well both orders agree."""
    found = []
    for way in dict.fromkeys(one.way for one in retrained.entries):
        ranked = [
            one
            for one in retrained.entries
            if one.way == way
            and one.network.role is not Role.TEACHER
            and one.network.expected is not None
            and values_of(one, learned)
        ]
        if len(ranked) >= LEAST_NETWORKS:
            found.append(_order(way, ranked, learned))
    return found


def _order(way: tuple[int, str], ranked: Sequence[Entry], learned: str) -> Order:
    expected = [one.network.expected or 0.0 for one in ranked]
    values = [values_of(one, learned) for one in ranked]
    seeds = sorted(set.intersection(*(set(each) for each in values)))
    interval = None
    if len(seeds) > 1:
        rng = np.random.default_rng(0)
        drawn = rng.choice(seeds, size=(DRAWS, len(seeds)))
        means = np.array([[each[seed] for seed in seeds] for each in values])
        places = np.searchsorted(seeds, drawn)
        taus = [kendall_tau(expected, list(means[:, places[draw]].mean(axis=1))) for draw in range(DRAWS)]
        low, high = np.quantile(taus, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
        interval = (float(low), float(high))
    return Order(
        epochs=way[0],
        teacher=way[1],
        networks=len(ranked),
        tau=kendall_tau(expected, [fmean(each.values()) for each in values]),
        interval=interval,
    )


def kendall_tau(first: Sequence[float], second: Sequence[float]) -> float:
    """Kendall's tau-b of two orders, from -1 to 1; 0 if one of them does not tell any two apart.

    Source: Kendall, "The treatment of ties in ranking problems", Biometrika 33, 1945.
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    upper = np.triu_indices(len(a), 1)
    signs = [np.sign(each[upper[0]] - each[upper[1]]) for each in (a, b)]
    size = math.sqrt(float(np.abs(signs[0]).sum()) * float(np.abs(signs[1]).sum()))
    return float((signs[0] * signs[1]).sum()) / size if size else 0.0


def front(result: SearchResult, retrained: Retrained) -> list[Entry]:
    """The entries that no other beats in the mean on the test images and the cost of the pictures, cheapest first."""
    axes = result.learned, result.cost
    pool = [(one, found) for one in retrained.entries if (found := reached(one, axes[0].name)) is not None]
    points = [(axes[0].loss(found.mean), axes[1].loss(cost_of(one, axes[1].name))) for one, found in pool]
    return [pool[place][0] for place in non_dominated(points)]


def cost_of(entry: Entry, name: str) -> float:
    """A cost of the deployed network."""
    return entry.costs[name]


def differing_settings(retrained: Retrained) -> dict[str, Mapping[str, object]]:
    """The settings of training in which the networks differ, by the name of the entry.

    Settings that some of the networks do not have are left out, since they are of what makes these a changed one.
    """
    trainings = {one.name: one.network.candidate.training for one in retrained.entries}
    shared = [name for name in next(iter(trainings.values()), {}) if all(name in one for one in trainings.values())]
    differing = [name for name in shared if len({repr(one[name]) for one in trainings.values()}) > 1]
    return {entry: {name: training[name] for name in differing} for entry, training in trainings.items()}
