"""Estimates of what trained candidates are really worth, since the best of many noisy values looks better than it is.

A Gaussian process over decisions and costs, its noise fitted to the search's own trainings, gives each trained candidate the
value of the learned objective that another training of it is expected to reach: its observed value, shrunk towards those of
similar networks. Trainings of one candidate with several seeds show how large the noise is.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from nas.models.encoding import Encoding
from nas.models.gaussian_process import GaussianProcess
from nas.models.squash import Squash
from nas.objectives import Objective, learned
from nas.pareto import ParetoFront
from nas.records import Evaluation, Trial, TrialState
from nas.samplers.known_cost.axes import LEAST
from nas.samplers.known_cost.domain import Domain
from nas.search.front import front_of
from nas.search.one_thread import one_thread
from nas.space import SearchSpace

Array = NDArray[np.float64]

LEAST_CANDIDATES = 8
"""With fewer candidates there is no model, and each candidate is expected to reach its observed value again."""
MOST_CANDIDATES = 300
"""The model is fitted to at most so many candidates, the best ones at their cost. The others cannot be on the front and keep
their observed values.
"""
MOST_NOISE = 2.0
"""An observation may be off by at most so many standard deviations of the noise; a model that says more is itself wrong."""
DRAWS = 64
"""Number of joint draws of all values, from which the probability of being on the front is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The value that another training of a candidate is expected to give."""

    mean: float
    """Expected value of the learned objective, on the same images."""
    error: float | None
    """Standard deviation of the expected value; None where there is no model."""
    trainings: int
    """Number of completed trainings of this candidate."""


class Estimates:
    """Estimates for the trained candidates of a search.

    Args:
        space: The space of the candidates.
        objectives: Axes of the front.
        trials: Trials of the search, of which those complete at full budget count.
    """

    def __init__(self, space: SearchSpace, objectives: tuple[Objective, ...], trials: Iterable[Trial]) -> None:
        self._objectives = objectives
        self._learned = learned(objectives)
        complete = [t for t in trials if t.state is TrialState.COMPLETE and isinstance(t.outcome, Evaluation)]
        self._candidates = {trial.number: trial for trial in complete if trial.replicate_of is None}
        self._shown: dict[int, list[float]] = defaultdict(list)
        for trial in complete:
            self._shown[trial.first].append(trial.values()[self._learned.name])
        self._model: _Model | None = None
        if len(self) >= LEAST_CANDIDATES:
            scores = {number: [self._learned.score(value) for value in shown] for number, shown in self._shown.items()}
            self._model = _Model(space, self._near_front(), scores)

    def __len__(self) -> int:
        return len(self._candidates)

    @cached_property
    def by_number(self) -> dict[int, Estimate]:
        """The estimates, by the number of the candidate's first trial."""
        found = {
            number: Estimate(mean=fmean(shown), error=None, trainings=len(shown))
            for number, shown in self._shown.items()
        }
        if self._model is not None:
            for number, mean, error in zip(self._model.numbers, *self._model.expected(), strict=True):
                value = self._learned.value_of(float(mean))
                unit = value * math.log(10) if self._learned.log else 1.0
                found[number] = replace(found[number], mean=value, error=float(error) * unit)
        return found

    @cached_property
    def front(self) -> ParetoFront:
        """The candidates that no other candidate is expected to dominate."""
        return self._front({number: estimate.mean for number, estimate in self.by_number.items()})

    @cached_property
    def observed_front(self) -> ParetoFront:
        """The front of observed values (means over several trainings). It is optimistic, since it also selects luck."""
        return self._front({number: fmean(shown) for number, shown in self._shown.items()})

    def least_certain(self) -> list[int]:
        """Candidates that may be on the front, the least certain first; without a model, the members of the front."""
        if self._model is None:
            return list(self.front.trials)
        on_front = Counter(
            number
            for draw in self._model.draws(DRAWS)
            for number in self._front(
                {number: self._learned.value_of(score) for number, score in zip(self._model.numbers, draw, strict=True)}
            ).trials
        )
        return sorted(on_front, key=lambda number: (abs(on_front[number] - DRAWS / 2), number))

    def _front(self, means: Mapping[int, float]) -> ParetoFront:
        values = {
            number: {**self._candidates[number].deployed_costs, self._learned.name: mean}
            for number, mean in means.items()
        }
        return front_of(self._objectives, values)

    def _near_front(self) -> list[Trial]:
        """The candidates that the model is fitted to: the observed front, the front behind it, and so on."""
        left = {number: fmean(shown) for number, shown in self._shown.items()}
        kept: list[int] = []
        while left and len(kept) < MOST_CANDIDATES:
            layer = self._front(left).trials
            kept += layer
            left = {number: mean for number, mean in left.items() if number not in layer}
        return [self._candidates[number] for number in sorted(kept)]


class _Model:
    """The posterior of the scores of some candidates, that is, of the learned objective turned so that more is better.

    Args:
        space: The space of the candidates.
        candidates: The first trial of each candidate.
        shown: Observed scores of all trainings, by the number of the first trial.
    """

    def __init__(self, space: SearchSpace, candidates: Sequence[Trial], shown: Mapping[int, Sequence[float]]) -> None:
        self.numbers = [trial.number for trial in candidates]
        domain = Domain.of(space)
        encode = Encoding(domain.distributions, domain.active)
        costs = np.array(
            [[math.log10(max(cost, LEAST)) for cost in trial.deployed_costs.values()] for trial in candidates]
        )
        costs = (costs - costs.min(0)) / np.maximum(np.ptp(costs, 0), LEAST)
        self._rows = np.hstack((encode([trial.genotype for trial in candidates]), costs))
        first = int(encode.decisions.max(initial=-1)) + 1
        groups = np.concatenate((encode.decisions, np.arange(first, first + costs.shape[1])))
        values = np.array([value for number in self.numbers for value in shown[number]])
        trainings = np.array([len(shown[number]) for number in self.numbers])
        self._observed = np.array([fmean(shown[number]) for number in self.numbers])
        self._squash = Squash.of(values, float(np.median(values)))
        with one_thread():
            self._process = GaussianProcess(
                np.repeat(self._rows, trainings, axis=0), groups, self._squash.squashed(values), np.zeros(len(values))
            )
        self._reach = MOST_NOISE * self._process.noise / np.sqrt(trainings)

    def expected(self) -> tuple[Array, Array]:
        """Mean and standard deviation of each candidate's score, `float[n], float[n]`."""
        means, deviations = self._process.predict(self._rows)
        return self._plausible(self._squash.restored(means)), np.minimum(deviations, self._reach)

    def draws(self, count: int) -> Array:
        """Joint draws of all true scores from the posterior, `float[count n]`."""
        with one_thread():
            return self._plausible(
                self._squash.restored(self._process.sample(self._rows, count, np.random.default_rng(0)))
            )

    def _plausible(self, scores: Array) -> Array:
        return np.clip(scores, self._observed - self._reach, self._observed + self._reach)
