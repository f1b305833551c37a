"""An engine whose workers take time that is only counted: a search of thousands of trainings in seconds.

Driver, sampler and study run unchanged; what a training gives comes from a table or a model. With one worker and an evaluator that
really trains it is an engine without processes.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nas.driver import Driver
from nas.ports import Evaluator
from nas.records import Outcome, Task

Seconds = Callable[[Task, Outcome], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong, drawn from a seed."""

    crashes: float = 0.0
    """Share of the trainings whose worker dies half-way; it is replaced at once."""
    stragglers: float = 0.0
    """Share of the trainings that take longer."""
    slowdown: float = 10.0
    """How much longer these take."""
    seed: int = 0


def measured_seconds(_task: Task, outcome: Outcome) -> float:
    """What the outcome says it took."""
    return outcome.seconds


class VirtualTimeEngine:
    """Runs a search with simulated workers.

    Args:
        evaluator: Gives outcomes at once, or takes as long as it takes.
        workers: Trainings at the same virtual time.
        seconds: Virtual time of a training.
        faults: What goes wrong.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        *,
        workers: int = 1,
        seconds: Seconds = measured_seconds,
        faults: Faults | None = None,
    ) -> None:
        self._evaluator = evaluator
        self._workers = workers
        self._seconds = seconds
        self._faults = faults or Faults()
        self._rng = np.random.default_rng(self._faults.seed)
        self.now = 0.0
        """Virtual seconds since the start."""
        self.busy = 0.0
        """Virtual seconds of all workers' work."""

    @property
    def utilization(self) -> float:
        """Share of the workers' time in which they worked."""
        return self.busy / (self.now * self._workers) if self.now else 0.0

    def run(self, driver: Driver, on_event: Callable[[], object] = lambda: None) -> None:
        """Works until the driver is finished.

        Args:
            driver: The search.
            on_event: Called after every change.
        """
        ends: list[tuple[float, int, Task, Outcome | None]] = []
        order = itertools.count()
        while not driver.finished:
            while len(ends) < self._workers and (task := driver.next_task()) is not None:
                outcome = self._evaluator.evaluate(task, driver.on_progress)
                seconds, lost = self._drawn(self._seconds(task, outcome))
                self.busy += seconds
                heapq.heappush(ends, (self.now + seconds, next(order), task, None if lost else outcome))
            on_event()
            if not ends:
                return
            self.now, _, task, ended = heapq.heappop(ends)
            if ended is None:
                driver.on_lost(task.trial, "the simulated worker died")
            else:
                driver.on_outcome(task.trial, ended)
        on_event()

    def _drawn(self, seconds: float) -> tuple[float, bool]:
        """How long a training takes after all, and whether its worker dies before it ends."""
        straggles, dies = self._rng.random(2) < (self._faults.stragglers, self._faults.crashes)
        if straggles:
            seconds *= self._faults.slowdown
        return (seconds / 2, True) if dies else (seconds, False)
