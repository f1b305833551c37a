"""What a proposal is chosen from: changed good candidates, others from the whole space, and the neighbours of the best."""

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
"""Candidates compared for a proposal, before neighbours."""
SHARES = {"mutated": 0.5, "crossed": 0.1}
"""The rest is drawn from the whole space."""
CLIMBERS = 4
"""The best ones, whose neighbours are looked at."""
CLIMBS = 3
"""How often, at most."""
JOINT = 400
"""Candidates over which the posterior is drawn."""
TRIES = 2000
"""Random draws after which nothing new counts as found."""


@dataclass(slots=True)
class _Compared:
    """Candidates, with features of their decisions and with costs that may be estimated."""

    genotypes: list[Genotype]
    decisions: Array
    costs: Array

    def take(self, positions: Iterable[int]) -> _Compared:
        chosen = list(positions)
        return _Compared([self.genotypes[k] for k in chosen], self.decisions[chosen], self.costs[chosen])


class Pool:
    """Makes proposals with a surrogate.

    Args:
        domain: Of the space.
        costs: Of candidates.
        features: Of candidates.
        most_new_costs: How many costs may be computed for a proposal; None: all.
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
        """Up to `count` new candidates, each the best one if a draw from the posterior were the truth; at least one."""
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
        """Genotypes in the shares of the pool, then, if few of them are new, more from the whole space."""
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
        """Those that are not taken yet and, where costs are all known, within the limits; marks them taken."""
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
        """On the scale of the comparison; estimated where computing takes long."""
        if self._most_new_costs is None:
            return self._costs.table(genotypes, keys)
        return np.column_stack([process.mean(decisions) for process in self._estimates])

    def _exactly(self, compared: _Compared, gains: Array, surrogate: Surrogate, rng: np.random.Generator) -> Genotype:
        """The best candidate; where costs are estimated, of those computed now."""
        if self._most_new_costs is None:
            return compared.genotypes[int(gains.argmax())]
        leaders = compared.take(_largest(gains, self._most_new_costs))
        allowed = [k for k, genotype in enumerate(leaders.genotypes) if self._costs.allowed(genotype)]
        leaders = leaders.take(allowed or [0])
        leaders.costs = self._costs.table(leaders.genotypes)
        return leaders.genotypes[int(surrogate.expected_gain(leaders.decisions, leaders.costs, rng).argmax())]

    def _fit_estimates(self, known: list[Mapping[str, Any]]) -> list[GaussianProcess]:
        """A model of each cost, from candidates whose costs were computed at the start."""
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
    """Positions of the largest values, largest first."""
    return np.argsort(-values, kind="stable")[:count]
