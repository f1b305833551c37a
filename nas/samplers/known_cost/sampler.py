"""A sampler that models accuracy, takes costs as exact, and proposes what is expected to gain most hypervolume."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import Study
from optuna.trial import FrozenTrial

from nas.samplers.known_cost.axes import Axes, CostOfGenotype, Costs
from nas.samplers.known_cost.domain import Domain
from nas.samplers.known_cost.observations import Observations
from nas.samplers.known_cost.pool import Pool
from nas.samplers.known_cost.start import START_POOL, Start
from nas.samplers.known_cost.surrogate import SurrogateFitter
from nas.search.one_thread import one_thread
from nas.seeds import derive_seed
from nas.space import SearchSpace

LEAST_COMPLETE = 2
"""Complete trials that are needed before anything can be modelled."""
STARTS = 10
"""Number of candidates drawn from all parts of the costs' range before anything is modelled."""
MOST_BELIEVERS = 8
"""Up to so many running candidates, each is taken to turn out as expected (a kriging believer). With more, proposals are drawn
from the posterior.
"""
BATCH = 32
"""Most proposals that are drawn from one posterior."""


class KnownCostSampler(BaseSampler):
    """A sampler for accuracy against costs that are exact before any training.

    With Optuna alone:

        study = optuna.create_study(directions=["maximize", "minimize"], sampler=KnownCostSampler(space, {1: flops}))
        trial = study.ask()

    A Gaussian process models the first objective without a known cost as a function of the decisions that have an effect;
    further such objectives are drawn from models of their own. Proposals are within the limits and, as long as the space
    has new candidates, have not been proposed before. Failed trials count as bad ones, and stopped trials by their curve
    (`nas.records.CURVE`). Equal seeds and equal studies give equal proposals: no state outside the study matters, unless
    more than eight trials run at once.

    Args:
        space: The space: a `nas.space.SearchSpace`, or Optuna's distributions by name. Default: the decisions that the
            study's complete trials have in common, as in Optuna's own samplers; without costs it is then an ordinary
            sampler.
        costs: For each objective with a known cost, by its position or metric name, the function from a genotype to the cost.
        limits: Largest allowed cost (for a maximized cost the smallest), by position or metric name.
        seed: Equal seeds give equal proposals. Default: a random seed.
        most_new_costs: How many costs may be computed for one proposal, where that takes long. Other costs are
            estimated from known ones, except for the proposal itself. Default: all.
    """

    def __init__(
        self,
        space: SearchSpace | Mapping[str, BaseDistribution] | None = None,
        costs: Mapping[int | str, CostOfGenotype] | None = None,
        limits: Mapping[int | str, float] | None = None,
        seed: int | None = None,
        *,
        most_new_costs: int | None = None,
    ) -> None:
        self._space = space
        self._costs = dict(costs or {})
        self._limits = dict(limits or {})
        self._most_new_costs = most_new_costs
        self._intersection = IntersectionSearchSpace()
        self._search: _Search | None = None
        self._of: tuple[Any, ...] = ()
        self.reseed_rng(seed)

    def reseed_rng(self, seed: int | None = None) -> None:
        """Takes another seed, or a random one if none is given. Optuna calls this in its worker processes."""
        self._seed = int(np.random.SeedSequence(seed).generate_state(1)[0])
        self._random = RandomSampler(seed=self._seed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The whole space, since every decision is proposed at once."""
        space = self._space
        found = self._intersection.calculate(study) if space is None else Domain.of(space).distributions
        return {name: distribution for name, distribution in found.items() if not distribution.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """A value for every decision."""
        if not search_space:
            return {}
        with one_thread():
            proposal = self._searched(study, search_space).propose(study, trial.number)
        return {name: proposal[name] for name in search_space}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """A random value for a decision that is not in the space."""
        return self._random.sample_independent(study, trial, param_name, param_distribution)

    def _searched(self, study: Study, search_space: Mapping[str, BaseDistribution]) -> _Search:
        """The state for this study, made anew if the study or the space has changed."""
        of = (study._storage, study._study_id, tuple(search_space.items()), self._seed)
        if self._search is None or self._of != of:
            domain = Domain.of(search_space if self._space is None else self._space)
            axes = Axes.of(study.directions, study.metric_names, self._costs, self._limits)
            self._search = _Search(domain, axes, self._seed, self._most_new_costs)
            self._of = of
        return self._search


class _Search:
    """One study and what was computed from it."""

    def __init__(self, domain: Domain, axes: Axes, seed: int, most_new_costs: int | None) -> None:
        self._domain = domain
        self._seed = seed
        self._observations = Observations(domain)
        costs = Costs(axes, domain.key)
        size = START_POOL if most_new_costs is None else min(START_POOL, 4 * most_new_costs)
        self._start = Start(domain, costs, seed, size)
        self._surrogates = SurrogateFitter(domain, axes, costs, self._start.pool)
        self._pool = Pool(domain, costs, self._surrogates.features, most_new_costs, self._start.pool)
        self._batch: deque[dict[str, Any]] = deque()
        self._batch_ends = 0

    def propose(self, study: Study, number: int) -> dict[str, Any]:
        """A genotype for the trial of this number."""
        observations = self._observations
        observations.update(study, number)
        rng = np.random.default_rng(derive_seed(self._seed, number))
        running = list(observations.running.values())
        there = [each for each, _ in observations.complete.values()] + [*observations.failed.values(), *running]
        if len(observations.complete) < LEAST_COMPLETE or len(there) < STARTS:
            return self._start.propose(there, observations.seen, rng)
        if len(running) <= MOST_BELIEVERS:
            self._batch.clear()
            surrogate = self._surrogates.fit(observations, kriging_believer=True)
            return self._pool.best(surrogate, observations.seen, rng)
        ended = len(there) - len(running)
        while self._batch and ended < self._batch_ends:
            proposal = self._batch.popleft()
            if self._domain.key(proposal) not in observations.seen:
                return proposal
        surrogate = self._surrogates.fit(observations, kriging_believer=False)
        self._batch = deque(self._pool.drawn(surrogate, observations.seen, rng, BATCH))
        # Results that arrive meanwhile change little, as long as they are few compared with the running trials.
        self._batch_ends = ended + max(1, len(running) // 8)
        return self._batch.popleft()
