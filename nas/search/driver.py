"""The search as a state machine that decides what to do next and handles what comes back. Engines only call it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from optuna.samplers import BaseSampler

from nas.budget import Budget
from nas.dimensions import Genotype
from nas.early_stopping import StoppingRule
from nas.early_stopping.pauses import Pauses
from nas.objectives import Objective, learned
from nas.pareto import ParetoFront
from nas.records import Evaluation, Failure, FailureKind, Outcome, Progress, Task, Trial, TrialState
from nas.search.crash_streak import CrashStreak
from nas.search.endings import EXHAUSTED, Ending
from nas.search.problem import SearchProblem
from nas.search.proposals import Proposals
from nas.search.replication import Replication
from nas.search.termination import Termination
from nas.search.whole_outcome import require_whole
from nas.seeds import derive_seed
from nas.space import SearchSpace
from nas.study.study import Study, constraint_values

PATIENCE = 20
"""After so many proposals in a row that lead to no training, the driver replaces the sampler by a random draw."""
TRAINED = (TrialState.COMPLETE, TrialState.STOPPED, TrialState.FAILED)
MAX_LOSSES = 2
"""Number of lost workers at which a candidate is recorded as failed."""


class Driver:
    """Hands out tasks and records outcomes until `trials` distinct candidates have ended, or there is a reason to end earlier.

    Args:
        study: The record of the search; a study that has trials is continued.
        problem: What is searched: the space, its known costs and limits, and the root seed.
        sampler: Makes the sampler for one proposal, from a seed.
        budget: Length of a full training, with the rungs at which a training is judged.
        trials: Distinct candidates to hand to training, baselines included.
        stopping: The rule by which trainings are paused at a rung. Default: none is paused.
        endings: Conditions on which the search ends before all its trials.
        given: Genotypes to train first, after the baselines, by their names in the report.
        replicates: Number of trainings of each member of the front, each with its own seed. Those whose place is least
            certain are trained again while the search runs; in the end all members are.
        max_losses: Number of lost workers at which a candidate is recorded as failed.
    """

    def __init__(
        self,
        *,
        study: Study,
        problem: SearchProblem,
        sampler: Callable[[int], BaseSampler],
        budget: Budget,
        trials: int,
        stopping: StoppingRule | None = None,
        endings: Sequence[Ending] = (),
        given: Mapping[str, Genotype] | None = None,
        replicates: int = 1,
        max_losses: int = MAX_LOSSES,
    ) -> None:
        self._study = study
        self._problem = problem
        self._sampler = sampler
        self._budget = budget
        self._target = trials
        self._pauses = Pauses(stopping, budget.epochs, learned(study.objectives), problem.compared_cost, problem.kind)
        self._termination = Termination(study.objectives, endings)
        self._replication = Replication(problem.space, study.objectives, replicates)
        self._crashes = CrashStreak()
        self.ended = ""
        """Why no more candidates are handed out although fewer were than asked for; empty if that is not the case."""
        self.epochs: dict[int, int] = {}
        """Number of epochs done, by number of a running trial."""
        self._proposals = Proposals(study, problem)
        self._waiting: dict[int, list[int]] = {}
        self._lost: dict[int, int] = {}
        self._max_losses = max_losses
        self._queue: deque[int] = deque()
        self._in_training: set[int] = set()
        self.handed_out = 0
        """Number of distinct candidates that have been or are being trained."""
        self._adopt()
        known = {trial.baseline for trial in study if trial.state is not TrialState.UNTRAINED}
        begin_with = {**problem.space.baselines(), **(given or {})}
        self._begin_with = deque((name, genotype) for name, genotype in begin_with.items() if name not in known)

    def next_task(self) -> Task | None:
        """The next task for an idle worker, or None if there is nothing to train at the moment (see `finished`)."""
        if self._queue:
            return self._task(self._queue.popleft())
        # Now that no new candidates are searched, other known ones are due.
        for source in (self._replicate, self._new_candidate, self._replicate):
            if (number := source()) is not None:
                return self._task(number)
        if (self._pauses.waiting or self._crashes.undecided) and not self._in_training:
            # No training is running that could change the verdict on paused trials or on crashes.
            for number, partial in self._pauses.given_up().items():
                self._end(number, partial, stopped=True)
            self._blame_candidates()
            return self.next_task()  # after these have ended, known candidates may be due again
        return None

    def _new_candidate(self) -> int | None:
        """Adds proposals until one of them is to be trained; None if no more candidates are wanted."""
        idle = 0
        while self.handed_out < self._target and not self.ended:
            self.ended = self._reason_to_end(searching=True)
            proposal = None if self.ended else self._propose(idle)
            if proposal is None:
                self.ended = self.ended or EXHAUSTED
                break
            if proposal.state is TrialState.FAILED:
                self._failed_at_once(proposal)
            elif proposal.state is TrialState.RUNNING and proposal.reused_from is None:
                self.handed_out += 1
                self._replication.begun(proposal)
                self._pauses.follow(proposal)
                return proposal.number
            idle += 1
        return None

    def _failed_at_once(self, trial: Trial) -> None:
        """Counts a candidate that cannot be trained as one whose training failed."""
        self.handed_out += 1
        self._replication.begun(trial)
        self._pauses.follow(trial)
        self._termination.add(trial)

    def _reason_to_end(self, *, searching: bool) -> str:
        promised = len(self._in_training) * self._budget.epochs
        partial: list[Outcome] = [*self._pauses.waiting.values(), *self._crashes.undecided.values()]
        paid = sum(outcome.epochs for outcome in partial)
        return self._termination.reason_to_end(promised + paid, searching=searching)

    def _replicate(self) -> int | None:
        """Adds a trial that trains a known candidate again, if one is due."""
        searching = self.handed_out < self._target and not self.ended
        first = self._replication.next(self._study, searching=searching)
        if first is None:
            return None
        if reason := self._reason_to_end(searching=False):
            self.ended = reason
            self._replication.give_up()
            return None
        trial = self._replication.again(self._study[first], self._study.next_number)
        self._study.add(trial, constraint_values(self._problem.limits, trial.costs))
        self._replication.begun(trial)
        return trial.number

    def on_progress(self, progress: Progress) -> bool:
        """Called when a worker has finished another epoch. At a rung the answer says whether the training goes on.

        A worker that must not go on returns an evaluation of the epochs so far, which is passed to `on_outcome`.
        """
        number = progress.trial
        self.epochs[number] = progress.epochs
        if progress.value is None:
            return True
        return self._pauses.goes_on(number, progress.epochs, progress.value)

    def on_outcome(self, number: int, outcome: Outcome) -> None:
        """Called when a worker has finished or paused a trial. Repeats that waited for a finished trial take over its outcome.

        Raises:
            CrashStreakError: The trial crashed, as those before it did; all of them can be continued.
        """
        outcome = require_whole(outcome, self._study[number], self.objectives)
        if isinstance(outcome, Evaluation):
            self._blame_candidates()
        if self._pauses.takes(number, outcome):
            self._study.pause(replace(self._study[number], outcome=outcome))
            self._in_training.discard(number)
            return
        if isinstance(outcome, Failure) and outcome.kind is FailureKind.CRASHED:
            self._crashed(number, outcome)
            return
        self._end(number, outcome)
        if isinstance(outcome, Evaluation) and self._study[number].replicate_of is None:
            self._queue += self._pauses.ended(number, outcome)

    def _end(self, number: int, outcome: Outcome, *, stopped: bool = False) -> None:
        state = TrialState.COMPLETE if isinstance(outcome, Evaluation) else TrialState.FAILED
        state = TrialState.STOPPED if stopped else state
        trial = replace(self._study[number], state=state, outcome=outcome)
        self._study.finish(trial)
        self._in_training.discard(number)
        self.epochs.pop(number, None)
        self._termination.add(trial)
        self._replication.ended()
        for repeat in self._waiting.pop(number, []):
            self._study.finish(replace(self._study[repeat], state=TrialState.REUSED, outcome=outcome))

    def _crashed(self, number: int, crash: Failure) -> None:
        self._in_training.discard(number)
        self._crashes.add(number, crash)
        if error := self._crashes.error:
            for again in sorted(self._crashes.end()):
                self._lost.pop(again, None)
                self._queue.append(again)
            raise error

    def _blame_candidates(self) -> None:
        """Records the crashes so far as failures of their candidates."""
        for number, crash in self._crashes.end().items():
            self._end(number, crash)

    def on_lost(self, number: int, reason: str, kind: FailureKind = FailureKind.CRASHED) -> None:
        """Called when the worker of a trial has died. Another worker continues the trial, unless it has lost too many workers.

        Args:
            number: Number of the trial.
            reason: What is known about the death, in words.
            kind: Kind of the failure to record if too many workers were lost.

        Raises:
            CrashStreakError: See `on_outcome`.
        """
        self._pauses.lost(number)
        self._lost[number] = self._lost.get(number, 0) + 1
        if self._lost[number] >= self._max_losses:
            epochs = self.epochs.get(number, 0)
            self.on_outcome(number, Failure(kind=kind, message=reason, epochs=epochs))
        else:
            self._in_training.discard(number)
            self._queue.append(number)

    def close(self) -> None:
        """Releases the study, so that another driver may continue it."""
        self._study.close()

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to hand out or to wait for."""
        idle = not (self._queue or self._in_training or self._pauses.waiting or self._crashes.undecided)
        return idle and (bool(self.ended) or self.handed_out >= self._target) and self._replication.settled

    @property
    def space(self) -> SearchSpace:
        """The space that is searched."""
        return self._problem.space

    @property
    def target(self) -> int:
        """The number of distinct candidates that were asked for."""
        return self._target

    @property
    def in_training(self) -> frozenset[int]:
        """Trials that a worker is training, by number."""
        return frozenset(self._in_training)

    @property
    def paused(self) -> tuple[int, ...]:
        """Trials that are paused at a rung, by number."""
        return tuple(sorted(self._pauses.waiting))

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials by number."""
        return tuple(self._study)

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """Axes of the front."""
        return self._study.objectives

    def trained(self) -> list[Trial]:
        """Number of trials whose training has ended in any way, including those that train a candidate again."""
        return [trial for trial in self._study if trial.state in TRAINED]

    def front(self) -> ParetoFront:
        """The observed front of the trials that are complete now, with each candidate's first training."""
        return self._termination.front

    def _adopt(self) -> None:
        """Takes over the trials of an earlier driver. Trials that it left running go first, in the order of their numbers."""
        for trial in list(self._study):
            if trial.state in (TrialState.INFEASIBLE, TrialState.UNTRAINED):
                continue
            if trial.reused_from is not None:
                self._adopt_repeat(trial)
                continue
            if (
                trial.state is TrialState.RUNNING
                and trial.outcome is not None
                and not self._pauses.is_partial(trial.outcome)
            ):
                state = TrialState.COMPLETE if isinstance(trial.outcome, Evaluation) else TrialState.FAILED
                trial = replace(trial, state=state)
                self._study.finish(trial)
            self._replication.begun(trial)
            if trial.replicate_of is None:
                self.handed_out += 1
                self._proposals.remember(trial)
                self._pauses.follow(trial)
            if trial.state is not TrialState.RUNNING:
                self._termination.add(trial)
            elif isinstance(trial.outcome, Evaluation):
                self._pauses.waiting[trial.number] = trial.outcome
            else:
                self._queue.append(trial.number)
        self._queue += self._pauses.released()  # the earlier driver may have let some of them go on

    def _adopt_repeat(self, trial: Trial) -> None:
        """Lets a waiting repeat wait for its first trial, or ends it if the earlier driver died before it could."""
        if trial.state is not TrialState.RUNNING:
            return
        assert trial.reused_from is not None
        first = self._study[trial.reused_from]
        if first.state is TrialState.RUNNING:
            self._waiting.setdefault(first.number, []).append(trial.number)
        else:
            self._study.finish(replace(trial, state=TrialState.REUSED, outcome=first.outcome))

    def _task(self, number: int) -> Task:
        trial = self._study[number]
        self._in_training.add(number)
        index = self._replication.index(trial)
        return Task(
            trial=number,
            candidate=trial.candidate,
            budget=self._budget if trial.replicate_of is None else replace(self._budget, rungs=()),
            seed=derive_seed(self._problem.seed, "training", *([index] if index else [])),
        )

    def _propose(self, idle: int) -> Trial | None:
        """Records and returns the next proposal; None if the space is exhausted."""
        number = self._study.next_number
        seed = derive_seed(self._problem.seed, "sampler", number)
        name: str | None = None
        genotype: Genotype | None
        if self._begin_with:
            name, genotype = self._begin_with.popleft()
        elif idle < PATIENCE:
            genotype = self._study.ask(self._sampler(seed), self._proposals.fixed(idle))
        else:
            genotype = self._proposals.draw_unseen(seed)
        if genotype is None:
            return None
        trial = self._proposals.judge(number, genotype, name)
        if trial.state is TrialState.RUNNING and trial.reused_from is not None:
            self._waiting.setdefault(trial.reused_from, []).append(number)
        self._study.add(trial, constraint_values(self._problem.limits, trial.costs))
        return trial
