"""Shows how far the trainings of a fixed list are, and the time left."""

from __future__ import annotations

import sys
import time

from tqdm import tqdm

from nas.records import Failure
from nas.retraining.fixed_tasks import FixedTasks


class TrainingDisplay:
    """Follows a list of trainings. It is a context manager. If standard error is no terminal, it writes one line per training.

    Args:
        tasks: The trainings.
    """

    def __init__(self, tasks: FixedTasks) -> None:
        self._tasks = tasks
        self._seen = set(tasks.outcomes)
        self._budget = sum(training.task.budget.epochs for training in tasks.trainings)
        self._start = time.monotonic()
        self._before = self._epochs()
        self._interactive = sys.stderr.isatty()
        self._bar = tqdm(
            total=self._budget,
            initial=self._before,
            disable=not self._interactive,
            bar_format="{desc}{bar:24} {n_fmt}/{total_fmt} epochs{postfix}",
            dynamic_ncols=True,
        )

    def __enter__(self) -> TrainingDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def update(self) -> None:
        """Shows what has changed."""
        for number in [each for each in self._tasks.outcomes if each not in self._seen]:
            self._seen.add(number)
            if not self._interactive:
                tqdm.write(self._line(number), file=sys.stderr)
        if self._interactive:
            self._bar.n = self._epochs()
            self._bar.set_postfix_str(f"{len(self._seen)}/{len(self._tasks.trainings)} trainings, {self.left()}")

    def left(self) -> str:
        """The time left, if the coming epochs take as long as those since the start did."""
        done = self._epochs()
        passed = time.monotonic() - self._start
        if done <= self._before or passed <= 0:
            return "time left unknown"
        return f"{tqdm.format_interval((self._budget - done) * passed / (done - self._before))} left"

    def _line(self, number: int) -> str:
        outcome, name = self._tasks.outcomes[number], self._tasks.trainings[number].name
        how = f"failed: {outcome.message}" if isinstance(outcome, Failure) else "trained"
        return f"{len(self._seen)}/{len(self._tasks.trainings)} trainings, {name} {how}, {self.left()}"

    def _epochs(self) -> int:
        """Number of epochs done. A training that failed counts as a whole one, since no more epochs of it come."""
        ended = sum(self._tasks.trainings[number].task.budget.epochs for number in self._tasks.outcomes)
        return ended + sum(self._tasks.epochs.values())
