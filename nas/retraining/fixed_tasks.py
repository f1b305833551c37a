"""A fixed list of trainings as what an engine works off (`nas.ports.Tasks`), with a record from which another process continues."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from nas.records import Evaluation, Failure, FailureKind, Outcome, Progress, Task
from nas.retraining.training import PlannedTraining, TrainingRecord
from nas.search.crash_streak import CrashStreak
from nas.search.driver import MAX_LOSSES


class FixedTasks:
    """Hands out each training once, in order, and records its outcome. Those with a recorded outcome are not handed out.

    Lost workers and crashes are treated as in a search: another worker continues a lost training, and several crashes in a row
    stop everything without blaming a network.

    Args:
        trainings: The trainings; the number of each task is its position.
        record: The outcomes of this process and of those before.
        has_weights: Whether the network of a recorded training is still there; otherwise it is trained again.
        max_losses: Number of lost workers at which a training is recorded as failed.
    """

    def __init__(
        self,
        trainings: Sequence[PlannedTraining],
        record: TrainingRecord,
        *,
        has_weights: Callable[[PlannedTraining], bool] = lambda _training: True,
        max_losses: int = MAX_LOSSES,
    ) -> None:
        self.trainings = tuple(trainings)
        self.outcomes: dict[int, Outcome] = {}
        """How the trainings ended, by number."""
        self.epochs: dict[int, int] = {}
        """Number of epochs done, by number of a running training."""
        self._record = record
        self._max_losses = max_losses
        self._queue: deque[int] = deque()
        self._in_training: set[int] = set()
        self._lost: dict[int, int] = {}
        self._crashes = CrashStreak("trainings", lambda number: self.trainings[number].name)
        for number, training in enumerate(self.trainings):
            outcome = record.outcome(training)
            if outcome is None or (isinstance(outcome, Evaluation) and not has_weights(training)):
                self._queue.append(number)
            else:
                self.outcomes[number] = outcome

    @property
    def finished(self) -> bool:
        """Whether every training has ended."""
        return not (self._queue or self._in_training or self._crashes.undecided)

    @property
    def in_training(self) -> frozenset[int]:
        """Trainings that a worker is doing, by number."""
        return frozenset(self._in_training)

    def next_task(self) -> Task | None:
        """The next training that may begin; None if there is none at the moment."""
        for number in list(self._queue):
            first = self.trainings[number].after
            outcome = None if first is None else self.outcomes.get(first)
            if first is None or isinstance(outcome, Evaluation):
                self._queue.remove(number)
                self._in_training.add(number)
                return self.trainings[number].task
            if isinstance(outcome, Failure):
                self._queue.remove(number)
                told = f"{self.trainings[first].name}, which it needs, failed ({outcome.message})"
                self._end(number, Failure(kind=FailureKind.INVALID, message=told))
        if self._crashes.undecided and not self._in_training:
            # No training is running that could show whose fault the crashes are.
            self._blame_networks()
            return self.next_task()
        return None

    def on_progress(self, progress: Progress) -> bool:
        """Takes a sign of life. Nothing is paused, so the answer is always to go on."""
        self.epochs[progress.trial] = progress.epochs
        return True

    def on_outcome(self, number: int, outcome: Outcome) -> None:
        """Records how a training ended.

        Raises:
            CrashStreakError: It crashed, as those before it did; all of them can be continued.
            OutputError: The record cannot be written.
        """
        if isinstance(outcome, Evaluation):
            self._blame_networks()
        elif outcome.kind is FailureKind.CRASHED:
            self._in_training.discard(number)
            self._crashes.add(number, outcome)
            if error := self._crashes.error:
                for again in sorted(self._crashes.end()):
                    self._lost.pop(again, None)
                    self._queue.append(again)
                raise error
            return
        self._end(number, outcome)

    def on_lost(self, number: int, reason: str, kind: FailureKind = FailureKind.CRASHED) -> None:
        """Lets another worker continue a training, unless it has lost too many of them.

        Raises:
            CrashStreakError: See `on_outcome`.
            OutputError: The record cannot be written.
        """
        self._lost[number] = self._lost.get(number, 0) + 1
        if self._lost[number] >= self._max_losses:
            self.on_outcome(number, Failure(kind=kind, message=reason, epochs=self.epochs.get(number, 0)))
        else:
            self._in_training.discard(number)
            self._queue.append(number)

    def _end(self, number: int, outcome: Outcome) -> None:
        self._record.add(self.trainings[number], outcome)
        self.outcomes[number] = outcome
        self._in_training.discard(number)
        self.epochs.pop(number, None)

    def _blame_networks(self) -> None:
        """Records the crashes so far as failures of their networks."""
        for number, crash in self._crashes.end().items():
            self._end(number, crash)
