"""The search as a state machine: what to do next, and what to do with what comes back. Engines only call it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from optuna.samplers import BaseSampler

from nas.budget import Budget
from nas.dimensions import Genotype
from nas.objectives import Direction, losses, reference_losses
from nas.pareto import ParetoFront, hypervolume, non_dominated
from nas.records import Evaluation, Failure, FailureKind, Outcome, Progress, Task, Trial, TrialState
from nas.samplers.context import SamplerContext
from nas.seeds import derive_seed
from nas.study import Study, constraint_values

PATIENCE = 20
"""Proposals in a row that lead to no training, after which the sampler is helped out with a random draw."""
DRAWS = 2000
"""Random draws in a row that are known or over a limit, after which the space counts as exhausted."""
MAX_LOSSES = 2
"""How often a candidate may lose its worker before it is recorded as failed."""


class Driver:
    """Hands out tasks and records outcomes until `trials` distinct candidates have ended.

    Args:
        study: Where everything is recorded; a study with trials is continued.
        context: What is searched: the space, its known costs and limits, and the root seed.
        sampler: Makes the sampler for one proposal, from a seed.
        budget: Full training of a candidate.
        trials: Distinct candidates to hand to training, baselines included.
    """

    def __init__(
        self,
        *,
        study: Study,
        context: SamplerContext,
        sampler: Callable[[int], BaseSampler],
        budget: Budget,
        trials: int,
    ) -> None:
        self._study = study
        self._context = context
        self._sampler = sampler
        self._budget = budget
        self._target = trials
        self.exhausted = False
        """Whether proposals have dried up: everything reachable is known or over a limit."""
        self.epochs: dict[int, int] = {}
        """Epochs done, by number of a running trial."""
        self._first: dict[str, int] = {}
        self._waiting: dict[int, list[int]] = {}
        self._lost: dict[int, int] = {}
        self._queue: deque[int] = deque()
        self._in_training: set[int] = set()
        self.handed_out = 0
        """Distinct candidates that were, or are being, trained."""
        self._adopt()
        known = {trial.baseline for trial in study}
        self._baselines = deque((name, g) for name, g in context.space.baselines().items() if name not in known)

    def next_task(self) -> Task | None:
        """Work for an idle worker, or None if there is none now (see `finished`)."""
        if self._queue:
            return self._task(self._queue.popleft())
        idle = 0
        while self.handed_out < self._target and not self.exhausted:
            proposal = self._propose(idle)
            if proposal is None:
                self.exhausted = True
                break
            if proposal.state is TrialState.RUNNING and proposal.reused_from is None:
                self.handed_out += 1
                return self._task(proposal.number)
            idle += 1
        return None

    def on_progress(self, progress: Progress) -> None:
        """A worker has finished another epoch."""
        self.epochs[progress.trial] = progress.epochs

    def on_outcome(self, number: int, outcome: Outcome) -> None:
        """A worker has finished a trial; repeats that waited for it take its outcome over."""
        state = TrialState.COMPLETE if isinstance(outcome, Evaluation) else TrialState.FAILED
        self._study.finish(replace(self._study[number], state=state, outcome=outcome))
        self._in_training.discard(number)
        self.epochs.pop(number, None)
        for repeat in self._waiting.pop(number, []):
            self._study.finish(replace(self._study[repeat], state=TrialState.REUSED, outcome=outcome))

    def on_lost(self, number: int, reason: str) -> None:
        """The worker of a trial has died; the trial goes to another worker, from its checkpoint, unless it has lost too many."""
        self._lost[number] = self._lost.get(number, 0) + 1
        if self._lost[number] >= MAX_LOSSES:
            epochs = self.epochs.get(number, 0)
            self.on_outcome(number, Failure(kind=FailureKind.CRASHED, message=reason, epochs=epochs))
        else:
            self._in_training.discard(number)
            self._queue.append(number)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to hand out or to wait for."""
        return not self._queue and not self._in_training and (self.exhausted or self.handed_out >= self._target)

    @property
    def target(self) -> int:
        """Distinct candidates asked for."""
        return self._target

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials by number."""
        return tuple(self._study)

    def front(self) -> ParetoFront:
        """The front of what is complete now."""
        return pareto_front(self._study)

    def _adopt(self) -> None:
        """Takes over the trials of an earlier driver: what it left running goes first, in the order of the numbers."""
        for trial in list(self._study):
            if trial.state is TrialState.RUNNING and trial.outcome is not None:
                state = TrialState.COMPLETE if isinstance(trial.outcome, Evaluation) else TrialState.FAILED
                trial = replace(trial, state=TrialState.REUSED if trial.reused_from is not None else state)
                self._study.finish(trial)
            if trial.state is TrialState.INFEASIBLE:
                continue
            if trial.reused_from is None:
                self.handed_out += 1
                self._first[trial.candidate.digest] = trial.number
                if trial.state is TrialState.RUNNING:
                    self._queue.append(trial.number)
            elif trial.state is TrialState.RUNNING:
                self._waiting.setdefault(trial.reused_from, []).append(trial.number)

    def _task(self, number: int) -> Task:
        self._in_training.add(number)
        seed = derive_seed(self._context.seed, "training")
        return Task(trial=number, candidate=self._study[number].candidate, budget=self._budget, seed=seed)

    def _propose(self, idle: int) -> Trial | None:
        """The next proposal, recorded; None if the space is exhausted."""
        number = self._study.next_number
        seed = derive_seed(self._context.seed, "sampler", number)
        name: str | None = None
        genotype: Genotype | None
        if self._baselines:
            name, genotype = self._baselines.popleft()
        elif idle < PATIENCE:
            genotype = self._study.ask(self._sampler(seed))
        else:
            genotype = self._draw_unseen(seed)
        if genotype is None:
            return None
        trial = self._judge(number, genotype, name)
        self._study.add(trial, constraint_values(self._context.limits, trial.costs))
        return trial

    def _draw_unseen(self, seed: int) -> Genotype | None:
        """A random genotype that is new and within the limits; the draws before it are not recorded."""
        rng = np.random.default_rng(seed)
        for _ in range(DRAWS):
            genotype = self._context.draw(rng)
            candidate = self._context.space.decode(genotype)
            if candidate.digest not in self._first and not self._violations(self._context.costs(candidate)):
                return genotype
        return None

    def _judge(self, number: int, genotype: Genotype, baseline: str | None) -> Trial:
        """What becomes of a proposal: infeasible, a repeat of an earlier one, or a new one to train."""
        candidate = self._context.space.decode(genotype)
        costs = dict(self._context.costs(candidate))
        trial = Trial(
            number=number,
            genotype={dimension.name: genotype[dimension.name] for dimension in self._context.space.dimensions},
            candidate=candidate,
            state=TrialState.RUNNING,
            costs=costs,
            baseline=baseline,
        )
        if violations := self._violations(costs):
            return replace(trial, state=TrialState.INFEASIBLE, violations=violations)
        first = self._first.setdefault(candidate.digest, number)
        if first == number:
            return trial
        outcome = self._study[first].outcome
        if outcome is None:
            self._waiting.setdefault(first, []).append(number)
            return replace(trial, reused_from=first)
        return replace(trial, state=TrialState.REUSED, reused_from=first, outcome=outcome)

    def _violations(self, costs: Mapping[str, float]) -> tuple[str, ...]:
        return tuple(
            f"{name} {costs[name]:,.0f} is over the limit {limit:,.0f}"
            for name, limit in self._context.limits.items()
            if costs[name] > limit
        )


def pareto_front(study: Study) -> ParetoFront:
    """The front of a study's complete trials, cheapest first."""
    objectives = study.objectives
    complete = [trial for trial in study if trial.state is TrialState.COMPLETE]
    points = [losses(objectives, trial.values()) for trial in complete]
    members = [complete[position] for position in non_dominated(points)]
    cost = next(objective.name for objective in objectives if objective.direction is Direction.MINIMIZE)
    members.sort(key=lambda trial: (trial.values()[cost], trial.number))
    return ParetoFront(
        trials=tuple(trial.number for trial in members),
        values=tuple(tuple(trial.values()[objective.name] for objective in objectives) for trial in members),
        objectives=tuple(objective.name for objective in objectives),
        hypervolume=hypervolume(points, reference_losses(objectives)),
    )
