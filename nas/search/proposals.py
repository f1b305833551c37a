"""Judges a proposal: too costly, already known, or new and to be trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from nas.candidate import Candidate
from nas.dimensions import Genotype, Scalar
from nas.records import Failure, FailureKind, Trial, TrialState
from nas.search.limits import violations
from nas.search.problem import SearchProblem
from nas.study.study import Study
from nas.values.plausible import sorted_out

FIXED_PATIENCE = 5
"""Proposals of unchanged networks in a row that may lead to no training, after which another network is proposed."""
DRAWS = 2000
"""The space counts as exhausted after so many random draws in a row that are known or over a limit."""


class Proposals:
    """Keeps track of which candidates have been proposed before.

    Args:
        study: The study whose trials are remembered.
        problem: The space, its costs and limits.
    """

    def __init__(self, study: Study, problem: SearchProblem) -> None:
        self._study = study
        self._problem = problem
        self._first: dict[str, int] = {}
        self._unchanged = problem.space.unchanged()
        self._searched = 0
        self._searched_unchanged = 0

    def remember(self, trial: Trial) -> None:
        """Remembers a candidate, both as recorded and, if an earlier version decoded it, as its genotype is decoded today."""
        for candidate in (trial.candidate, self._problem.space.decode(trial.genotype)):
            self._first.setdefault(candidate.digest, trial.number)

        self._count(trial)

    def fixed(self, idle: int) -> Mapping[str, Scalar]:
        """The decisions that are fixed in the next proposal: those of an unchanged network, while these have not had their share.

        Args:
            idle: Proposals before it that led to no training. After some of them nothing is fixed.
        """
        wanted = self._problem.unchanged_share * (self._searched + 1)
        return self._unchanged if idle < FIXED_PATIENCE and self._searched_unchanged < wanted else {}

    def _enter(self, trial: Trial) -> None:
        self._first[trial.candidate.digest] = trial.number
        self._count(trial)

    def _count(self, trial: Trial) -> None:
        """Counts a new candidate, unless it was given: a baseline has the training settings that it was given with."""
        if trial.baseline is None:
            self._searched += 1
            self._searched_unchanged += all(trial.genotype[name] == value for name, value in self._unchanged.items())

    def draw_unseen(self, seed: int) -> Genotype | None:
        """A random genotype that is new and within the limits. The draws that were rejected before it are not recorded."""
        rng = np.random.default_rng(seed)
        for _ in range(DRAWS):
            genotype = self._problem.draw(rng)
            candidate = self._problem.space.decode(genotype)
            costs, faults = self._known_costs(candidate)
            if candidate.digest not in self._first and not faults and not self._violations(costs):
                return genotype
        return None

    def judge(self, number: int, genotype: Genotype, baseline: str | None) -> Trial:
        """Decides about a proposal: infeasible, a repeat of an earlier candidate, or a new one to train."""
        candidate = self._problem.space.decode(genotype)
        costs, faults = self._known_costs(candidate)
        trial = Trial(
            number=number,
            genotype={dimension.name: genotype[dimension.name] for dimension in self._problem.space.dimensions},
            candidate=candidate,
            state=TrialState.RUNNING,
            costs=costs,
            baseline=baseline,
        )
        if not faults and (over := self._violations(costs)):
            return replace(trial, state=TrialState.INFEASIBLE, violations=over)
        first = self._first.get(candidate.digest)
        if first is None:
            return self._judge_new(trial, faults)
        trial = replace(trial, costs=self._study[first].costs)
        outcome = self._study[first].outcome
        if self._study[first].state is TrialState.RUNNING:
            return replace(trial, reused_from=first)
        return replace(trial, state=TrialState.REUSED, reused_from=first, outcome=outcome)

    def _judge_new(self, trial: Trial, faults: list[str]) -> Trial:
        """Decides about a new candidate. Costs that can be measured are measured; a candidate without usable costs has failed."""
        if self._problem.measure is not None and not faults:
            measured, faults = sorted_out(self._problem.measure(trial.candidate), ())
            trial = replace(trial, costs={**trial.costs, **measured})
        if faults:
            self._enter(trial)
            failure = Failure(kind=FailureKind.INVALID, message=f"its costs: {'; '.join(faults)}")
            return replace(trial, state=TrialState.FAILED, outcome=failure)
        if self._problem.measure is not None and (over := self._violations(trial.costs)):
            return replace(trial, state=TrialState.INFEASIBLE, violations=over)
        self._enter(trial)
        return trial

    def _known_costs(self, candidate: Candidate) -> tuple[dict[str, float], list[str]]:
        """The usable costs of a candidate, and in words what is wrong with the others."""
        return sorted_out(self._problem.costs(candidate), (*self._problem.known, *self._problem.limits))

    def _violations(self, costs: Mapping[str, float]) -> tuple[str, ...]:
        return violations(self._problem.limits, costs, self._problem.quantities)
