"""The decisions of a space as the sampler sees them."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution

from nas.candidate import Candidate
from nas.models.encoding import Active
from nas.samplers.distributions import distributions
from nas.space import SearchSpace

Genotype = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Domain:
    """The decisions of a space, and what they mean."""

    distributions: Mapping[str, BaseDistribution]
    active: Active
    """Gives the decisions of a genotype that have an effect."""
    key: Callable[[Genotype], Hashable]
    """Gives a key that is equal for genotypes that mean the same."""

    @classmethod
    def of(cls, space: SearchSpace | Mapping[str, BaseDistribution]) -> Domain:
        """The domain of a space of ours, or of Optuna's distributions, where all decisions are active."""
        if isinstance(space, SearchSpace):
            return cls(
                distributions(space.dimensions),
                space.active_of_checked,
                lambda genotype: _meaning(space.decode(genotype)),
            )
        return cls(dict(space), lambda genotype: genotype, _as_text)


def _meaning(candidate: Candidate) -> Hashable:
    """A key that is equal exactly where the candidates' digests are, at a tenth of their cost."""
    return frozenset(candidate.architecture.items()), frozenset(candidate.training.items())


def _as_text(genotype: Genotype) -> str:
    return json.dumps(dict(sorted(genotype.items())), default=repr)
