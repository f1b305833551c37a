"""The pool that a proposal is chosen from: changed good candidates, random ones, and neighbours of the best."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nas.models.gaussian_process import GaussianProcess
from nas.samplers.distributions import draw
from nas.samplers.known_cost.axes import Costs
from nas.samplers.known_cost.domain import Domain
from nas.samplers.known_cost.proposals import cross, mutate, neighbours
from nas.samplers.known_cost.surrogate import Features, Surrogate

Array = NDArray[np.float64]
Genotype = dict[str, Any]

SIZE = 600
"""Number of candidates that are compared for a proposal, before neighbours are added."""
SHARES = {"mutated": 0.5, "crossed": 0.1}
"""Shares of the pool by the way in which its candidates are made; the rest is drawn from the whole space."""
CLIMBERS = 4
"""Number of best candidates whose neighbours are examined."""
CLIMBS = 3
"""Most rounds of examining neighbours."""
JOINT = 400
"""Number of candidates over which the posterior is drawn jointly."""
TRIES = 2000
"""Random draws without a new candidate after which the search for one is given up."""


@dataclass(slots=True)
class _Compared:
    """Candidates with the features of their decisions, and with costs that may be estimates."""

    genotypes: list[Genotype]
    decisions: Array
    costs: Array

    def take(self, positions: Iterable[int]) -> _Compared:
        chosen = list(positions)
        return _Compared([self.genotypes[k] for k in chosen], self.decisions[chosen], self.costs[chosen])


class Pool:
    """Makes proposals with a surrogate.

    Args:
        domain: Decisions of the space.
        costs: Known costs of candidates.
        features: Features of candidates.
        most_new_costs: How many new costs may be computed for a proposal; None for all.
        known: Candidates whose costs are known from the beginning.
    """

    def __init__(
        self,
        domain: Domain,
        costs: Costs,
        features: Features,
        most_new_costs: int | None,
        known: list[Mapping[str, Any]],
    ) -> None:
        self._domain = domain
        self._costs = costs
        self._features = features
        self._most_new_costs = most_new_costs
        self._estimates: list[GaussianProcess] = []
        if most_new_costs is not None:
            self._estimates = self._fit_estimates(known)

    def best(self, surrogate: Surrogate, seen: AbstractSet[Hashable], rng: np.random.Generator) -> Genotype:
        """The new candidate with the largest expected gain."""
        taken = set(seen)
        compared = self._new(self._made(surrogate, rng), taken)
        if not compared.genotypes:
            return draw(self._domain.distributions, rng)
        gains = surrogate.expected_gain(compared.decisions, compared.costs, rng)
        for _ in range(CLIMBS):
            leaders = compared.take(_largest(gains, CLIMBERS))
            near = (each for leader in leaders.genotypes for each in self._neighbours(leader))
            found = self._new(near, taken)
            if not found.genotypes:
                break
            their_gains = surrogate.expected_gain(found.decisions, found.costs, rng)
            improved = their_gains.max() > gains.max()
            compared, gains = _joined(compared, found), np.append(gains, their_gains)
            if not improved:
                break
        return self._exactly(compared, gains, surrogate, rng)

    def drawn(
        self, surrogate: Surrogate, seen: AbstractSet[Hashable], rng: np.random.Generator, count: int
    ) -> list[Genotype]:
        """Up to `count` new candidates, at least one, each of which is the best one under a draw from the posterior."""
        compared = self._new(self._made(surrogate, rng), set(seen))
        if not compared.genotypes:
            return [draw(self._domain.distributions, rng)]
        expected = surrogate.expected_gain(compared.decisions, compared.costs, rng)
        compared = compared.take(_largest(expected, JOINT))
        gains = surrogate.sampled_gains(compared.decisions, compared.costs, count, rng)
        chosen: list[int] = []
        for row in gains:
            row[chosen] = -np.inf
            chosen.append(int(row.argmax()))
            if len(chosen) == len(compared.genotypes):
                break
        found = [compared.genotypes[k] for k in dict.fromkeys(chosen)]
        allowed = [genotype for genotype in found if self._most_new_costs is None or self._costs.allowed(genotype)]
        return allowed or found[:1]

    def _made(self, surrogate: Surrogate, rng: np.random.Generator) -> Iterable[Genotype]:
        """Genotypes in the shares of the pool, and more from the whole space if few of them are new."""
        distributions, parents = self._domain.distributions, surrogate.parents
        active = [list(self._domain.active(parent)) for parent in parents]
        for _ in range(int(SIZE * SHARES["mutated"])):
            chosen = int(rng.integers(len(parents)))
            yield mutate(parents[chosen], distributions, active[chosen], rng)
        for _ in range(int(SIZE * SHARES["crossed"])):
            a, b = rng.integers(len(parents), size=2)
            yield cross(parents[int(a)], parents[int(b)], rng)
        for _ in range(int(SIZE * (1 - sum(SHARES.values())))):
            yield draw(distributions, rng)

    def _neighbours(self, genotype: Genotype) -> Iterable[Genotype]:
        return neighbours(genotype, self._domain.distributions, list(self._domain.active(genotype)))

    def _new(self, made: Iterable[Genotype], taken: set[Hashable]) -> _Compared:
        """The candidates that are not taken yet and, where all costs are known, are within the limits; marks them as taken."""
        kept: list[Genotype] = []
        keys: list[Hashable] = []
        for genotype in made:
            key = self._domain.key(genotype)
            if key not in taken:
                taken.add(key)
                if self._most_new_costs is not None or self._costs.allowed(genotype, key):
                    kept.append(genotype)
                    keys.append(key)
        decisions = self._features.encode(kept)
        return _Compared(kept, decisions, self._costs_of(kept, keys, decisions))

    def _costs_of(self, genotypes: list[Genotype], keys: list[Hashable], decisions: Array) -> Array:
        """Costs on the scale of the comparison, which are estimated where computing them takes long."""
        if self._most_new_costs is None:
            return self._costs.table(genotypes, keys)
        return np.column_stack([process.mean(decisions) for process in self._estimates])

    def _exactly(self, compared: _Compared, gains: Array, surrogate: Surrogate, rng: np.random.Generator) -> Genotype:
        """The best candidate; if costs are estimated, the best of those whose costs are computed now."""
        if self._most_new_costs is None:
            return compared.genotypes[int(gains.argmax())]
        leaders = compared.take(_largest(gains, self._most_new_costs))
        allowed = [k for k, genotype in enumerate(leaders.genotypes) if self._costs.allowed(genotype)]
        leaders = leaders.take(allowed or [0])
        leaders.costs = self._costs.table(leaders.genotypes)
        return leaders.genotypes[int(surrogate.expected_gain(leaders.decisions, leaders.costs, rng).argmax())]

    def _fit_estimates(self, known: list[Mapping[str, Any]]) -> list[GaussianProcess]:
        """A model of each cost, fitted to candidates whose costs were computed at the start."""
        decisions = self._features.encode(known)
        costs = self._costs.table(known)
        return [
            GaussianProcess(decisions, self._features.encode.decisions, column, np.zeros(len(column)))
            for column in costs.T
        ]


def _joined(a: _Compared, b: _Compared) -> _Compared:
    return _Compared(
        a.genotypes + b.genotypes, np.concatenate((a.decisions, b.decisions)), np.concatenate((a.costs, b.costs))
    )


def _largest(values: Array, count: int) -> NDArray[np.int64]:
    """Positions of the largest values, in descending order."""
    return np.argsort(-values, kind="stable")[:count]
