"""What a sampler of ours may know beside the study: the space and the exact costs of a genotype."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from nas.dimensions import Genotype, Scalar
from nas.ports import CostFunction
from nas.samplers.distributions import distributions
from nas.space import SearchSpace

POOL = 128
"""Random genotypes from which the range of the costs is estimated, once a process."""


@dataclass(frozen=True, kw_only=True)
class SamplerContext:
    """The search as a sampler sees it."""

    space: SearchSpace
    costs: CostFunction
    limits: Mapping[str, float]
    """Largest allowed cost by objective name; empty if nothing is limited."""
    seed: int
    """Root seed of the search."""

    @cached_property
    def distributions(self) -> dict[str, BaseDistribution]:
        """Optuna's form of the space's dimensions."""
        return distributions(self.space.dimensions)

    def cost(self, genotype: Genotype, name: str = "macs") -> float:
        """One exact cost of a genotype."""
        return self.costs(self.space.decode(genotype))[name]

    def draw(self, rng: np.random.Generator) -> dict[str, Scalar]:
        """A genotype drawn uniformly (log-uniformly where a range is logarithmic)."""
        return {name: _draw(domain, rng) for name, domain in self.distributions.items()}

    @cached_property
    def log_macs_range(self) -> tuple[float, float]:
        """Smallest and largest log10 MACs of a pool of random genotypes, the upper end cut at the limit."""
        rng = np.random.default_rng(self.seed)
        logs = [math.log10(self.cost(self.draw(rng))) for _ in range(POOL)]
        limit = math.log10(self.limits["macs"]) if "macs" in self.limits else math.inf
        return min(logs), max(min(max(logs), limit), min(logs))


def _draw(domain: BaseDistribution, rng: np.random.Generator) -> Scalar:
    if isinstance(domain, CategoricalDistribution):
        return domain.choices[int(rng.integers(len(domain.choices)))]
    if isinstance(domain, IntDistribution):
        if domain.log:
            value = math.exp(rng.uniform(math.log(domain.low), math.log(domain.high + 1)))
            return min(int(value), domain.high)
        return int(rng.integers(domain.low, domain.high + 1))
    assert isinstance(domain, FloatDistribution)
    if domain.log:
        value = math.exp(rng.uniform(math.log(domain.low), math.log(domain.high)))
        return min(max(value, domain.low), domain.high)
    return float(rng.uniform(domain.low, domain.high))
