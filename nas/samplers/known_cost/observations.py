"""The contents of a study's trials, read once each: candidates, values, failures, running trials.

The user attribute `CURVE` is read from complete trials and from stopped (pruned) ones. What complete trials gained after
the same amount of training is an estimate of what stopped trials would have gained.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from nas.records import CURVE, UNTRAINED
from nas.samplers.distributions import at, contains
from nas.samplers.known_cost.domain import Domain
from nas.values.plausible import usable

REPEAT = "reused_from"
"""User attribute of a trial that took its values over from an earlier one, so that it is no second observation."""
LEAST_FINISHED = 4
"""Complete trials with a curve that are needed to estimate the gain after an amount of training."""

Genotype = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Proposed:
    """The candidate of a trial."""

    number: int
    genotype: Genotype
    key: Hashable
    """The key, which is equal for candidates that mean the same."""


class Observations:
    """The trials of one study that belong to one space.

    Args:
        domain: Decisions of the space. Trials that lack an effective decision, or have a value outside its domain, are left out.
    """

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self._any = {name: at(distribution, 0.0) for name, distribution in domain.distributions.items()}
        self._open: dict[int, FrozenTrial] = {}
        self._read_up_to = 0
        self._known: dict[int, Proposed] = {}
        self.seen: set[Hashable] = set()
        """Keys of all candidates that have been proposed, in whatever state they are."""
        self.complete: dict[int, tuple[Proposed, tuple[float, ...]]] = {}
        self.failed: dict[int, Proposed] = {}
        self.running: dict[int, Proposed] = {}
        self.ended = 0
        """Number of trials that have ended. The observations change only when this number does."""
        self._curves: dict[int, dict[float, float]] = {}
        self._stopped: dict[int, Proposed] = {}

    def update(self, study: Study, except_number: int) -> None:
        """Reads what is new in the study, except for the trial that is being proposed."""
        trials = study.get_trials(deepcopy=False)
        for number in [*self._open, *range(self._read_up_to, len(trials))]:
            self._read(trials[number], except_number)
        self._read_up_to = len(trials)

    def _read(self, trial: FrozenTrial, except_number: int) -> None:
        number = trial.number
        if trial.state.is_finished():
            self._open.pop(number, None)
            self.ended += 1
            self.running.pop(number, None)
        else:
            self._open[number] = trial
        if number == except_number or trial.state is TrialState.WAITING or UNTRAINED in trial.user_attrs:
            return
        candidate = self._known.get(number) or self._candidate(trial)
        if candidate is None:
            return
        self._known[number] = candidate
        self.seen.add(candidate.key)
        if REPEAT in trial.user_attrs:
            return
        if trial.state is TrialState.RUNNING:
            self.running[number] = candidate
        elif trial.state is TrialState.FAIL:
            self.failed[number] = candidate
        else:
            self._read_values(trial, candidate)

    def _read_values(self, trial: FrozenTrial, candidate: Proposed) -> None:
        curve = trial.user_attrs.get(CURVE)
        if isinstance(curve, Mapping) and curve:
            self._curves[trial.number] = {float(amount): float(value) for amount, value in curve.items()}
        if trial.state is TrialState.COMPLETE and trial.values is not None:
            if not all(math.isfinite(usable(value)) for value in trial.values):
                self.failed[trial.number] = candidate
                return
            self.complete[trial.number] = candidate, tuple(trial.values)
        elif trial.number in self._curves:
            self._stopped[trial.number] = candidate

    def _candidate(self, trial: FrozenTrial) -> Proposed | None:
        """The candidate of a trial, or None if it is not in this space. Decisions without an effect may be absent."""
        distributions = self._domain.distributions
        absent = {name for name in distributions if name not in trial.params}
        genotype = {name: trial.params.get(name, self._any[name]) for name in distributions}
        for name in distributions.keys() - absent:
            if not contains(distributions[name], genotype[name]):
                return None
        if any(not distributions[name].single() and name in self._domain.active(genotype) for name in absent):
            return None
        return Proposed(trial.number, genotype, self._domain.key(genotype))

    def stopped(self, objective: int) -> list[tuple[Proposed, float, float]]:
        """For each stopped trial, the value of an objective that it would have reached, and the variance of this estimate."""
        gains: dict[float, list[float]] = defaultdict(list)
        for number, (_, values) in self.complete.items():
            for amount, value in self._curves.get(number, {}).items():
                gains[amount].append(values[objective] - value)
        known = {
            amount: (float(np.mean(each)), float(np.var(each, ddof=1)))
            for amount, each in gains.items()
            if len(each) >= LEAST_FINISHED
        }
        last = ((self._stopped[number], *max(self._curves[number].items())) for number in sorted(self._stopped))
        return [
            (candidate, value + known[amount][0], known[amount][1])
            for candidate, amount, value in last
            if amount in known
        ]
