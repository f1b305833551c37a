"""Random search, stratified over log cost: each proposal comes from the next cost bin.

Plain random search draws mostly where most of a space's networks are, but a front needs the cheap and the expensive end too.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial

from nas.dimensions import Scalar
from nas.search.problem import SearchProblem

BINS = 8
TRIES = 64


class StratifiedCostSampler(BaseSampler):
    """Draws until the cost falls into the bin whose turn it is; after 64 draws it takes the nearest one.

    The order of the bins is shuffled anew every 8 trials, from the search's seed.
    """

    def __init__(self, problem: SearchProblem, seed: int) -> None:
        self._problem = problem
        self._rng = np.random.default_rng(seed)
        self._random = RandomSampler(seed=seed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The whole space, since every decision is drawn at once."""
        return self._problem.distributions

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """A genotype whose log10 cost is in this trial's bin, or is the nearest to it."""
        low, high = self.bin(trial.number)
        best: tuple[float, dict[str, Scalar]] | None = None
        for _ in range(TRIES):
            genotype = self._problem.draw(self._rng)
            cost = math.log10(self._problem.cost(genotype))
            miss = max(low - cost, cost - high, 0.0)
            if best is None or miss < best[0]:
                best = (miss, genotype)
            if miss == 0.0:
                break
        assert best is not None
        return best[1]

    def bin(self, number: int) -> tuple[float, float]:
        """Range of log10 cost from which the trial of this number is drawn."""
        low, high = self._problem.log_cost_range
        turn, place = divmod(number, BINS)
        position = int(np.random.default_rng((self._problem.seed, turn)).permutation(BINS)[place])
        width = (high - low) / BINS
        return low + position * width, low + (position + 1) * width

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """A random value for a decision that is not in the space."""
        return self._random.sample_independent(study, trial, param_name, param_distribution)
