"""What our samplers may know besides the study: the space and the exact costs of a genotype."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from optuna.distributions import BaseDistribution

from nas.candidate import Candidate
from nas.dimensions import Genotype, Scalar
from nas.objectives import LEAST, Objective
from nas.ports import CostFunction
from nas.samplers.distributions import distributions, draw
from nas.space import SearchSpace
from nas.values.plausible import sorted_out

POOL = 128
"""Number of random genotypes from which the range of the costs is estimated, once per process."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchProblem:
    """The search as a sampler sees it."""

    space: SearchSpace
    costs: CostFunction
    """Gives the exact costs of a candidate, except those that `measure` gives, which are predictions until they are measured."""
    limits: Mapping[str, float]
    """Largest allowed cost by objective name; empty if no cost is limited."""
    seed: int
    """Root seed of the search."""
    known: tuple[str, ...] = ("macs",)
    """Names of the study's objectives whose values `costs` gives."""
    measure: CostFunction | None = None
    """Measures on the untrained network what `costs` only predicts. It is called for candidates that are to be trained."""
    quantities: tuple[Objective, ...] = ()
    """The known costs and limits as quantities: how they are called and formatted."""
    unchanged_share: float = 0.0
    """Share of the proposals that are of unchanged networks, so that their training settings are searched as all others are."""
    most_new_costs: int | None = None
    """How many new costs a sampler should compute per proposal, where that takes long; None if it does not."""

    @cached_property
    def distributions(self) -> dict[str, BaseDistribution]:
        """Optuna's form of the space's dimensions."""
        return distributions(self.space.dimensions)

    def cost(self, genotype: Genotype, name: str | None = None) -> float:
        """One exact cost of a genotype, by default that of the first known objective. Infinite if the cost is refused."""
        costs, _ = sorted_out(self.costs(self.space.decode(genotype)), ())
        return costs.get(self.known[0] if name is None else name, math.inf)

    def compared_cost(self, costs: Mapping[str, float]) -> float:
        """Picks, from all costs of a candidate, the one by which networks are compared: the first that is an objective."""
        return next((costs[name] for name in self.known if name in costs), 1.0)

    def kind(self, candidate: Candidate) -> str:
        """The kind of a candidate's network. Training curves of one kind say more about each other."""
        return self.space.portrait(candidate).kind

    def draw(self, rng: np.random.Generator) -> dict[str, Scalar]:
        """A random genotype, drawn uniformly (log-uniformly where a range is logarithmic)."""
        return draw(self.distributions, rng)

    @cached_property
    def log_cost_range(self) -> tuple[float, float]:
        """Smallest and largest log10 of the first known cost over a pool of random genotypes; the largest is at most the limit."""
        rng = np.random.default_rng(self.seed)
        costs = [self.cost(self.draw(rng)) for _ in range(POOL)]
        logs = [math.log10(max(cost, LEAST)) for cost in costs if math.isfinite(cost)] or [0.0]
        name = self.known[0]
        limit = math.log10(self.limits[name]) if name in self.limits else math.inf
        return min(logs), max(min(max(logs), limit), min(logs))
