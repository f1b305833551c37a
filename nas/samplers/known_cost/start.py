"""The first candidates, from every part of the costs' range, so that the model sees cheap and expensive ones."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from nas.samplers.distributions import draw
from nas.samplers.known_cost.axes import Costs
from nas.samplers.known_cost.domain import Domain
from nas.samplers.known_cost.observations import Proposed
from nas.seeds import derive_seed

START_POOL = 128
"""Number of random candidates that show the range of the costs, and from which the first proposals are taken."""
BINS = 10
TRIES = 256


class Start:
    """Proposes candidates while there is nothing to model.

    Args:
        domain: Decisions of the space.
        costs: Known costs of candidates.
        seed: Seed of the pool.
        size: Number of candidates in the pool.
    """

    def __init__(self, domain: Domain, costs: Costs, seed: int, size: int) -> None:
        self._domain = domain
        self._costs = costs
        rng = np.random.default_rng(derive_seed(seed, "start"))
        drawn: list[Mapping[str, Any]] = [draw(domain.distributions, rng) for _ in range(size)]
        self.pool = [each for each in drawn if costs.allowed(each)] or drawn
        """Random candidates within the limits, or any random candidates if none is within them."""
        self._costs_of_pool = costs.table(self.pool)

    def propose(
        self, there: Sequence[Proposed], seen: AbstractSet[Hashable], rng: np.random.Generator
    ) -> dict[str, Any]:
        """A candidate from the part of the first cost's range that has the fewest so far; of equal parts, a random one.

        Args:
            there: Existing candidates, including baselines and those that are running.
            seen: Keys of candidates that must not be proposed again.
            rng: Random generator of this proposal.
        """
        new = [k for k, genotype in enumerate(self.pool) if self._domain.key(genotype) not in seen]
        if not new:
            return self._unseen(seen, rng)
        if not self._costs_of_pool.shape[1]:
            return dict(self.pool[new[0]])
        values = self._costs_of_pool[:, 0]
        edges = np.linspace(values.min(), values.max(), BINS + 1)[1:-1]
        taken = np.bincount(
            np.searchsorted(edges, [self._costs.scaled(each.genotype, each.key)[0] for each in there]), minlength=BINS
        )
        parts = np.searchsorted(edges, values[new])
        chosen = min(np.unique(parts), key=lambda part: (taken[part], rng.random()))
        members = np.array(new)[parts == chosen]
        return dict(self.pool[int(rng.choice(members))])

    def _unseen(self, seen: AbstractSet[Hashable], rng: np.random.Generator) -> dict[str, Any]:
        """A random candidate, which is new and within the limits if such a one is found."""
        for _ in range(TRIES):
            genotype = draw(self._domain.distributions, rng)
            if self._domain.key(genotype) not in seen and self._costs.allowed(genotype):
                return genotype
        return draw(self._domain.distributions, rng)
