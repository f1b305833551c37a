"""An engine in virtual time, where workers take no real time: a search of thousands of trainings takes seconds.

Driver, sampler, stopping rule and study run unchanged; the results of trainings come from a table or a model. With one
worker and an evaluator that really trains, it is an engine without processes.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from nas.objectives import learned
from nas.ports import Evaluator
from nas.records import Evaluation, Measurement, Outcome, Progress, Task
from nas.search.driver import Driver

Seconds = Callable[[Task, Outcome], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Faults of workers, drawn from a seed."""

    crashes: float = 0.0
    """Share of the stretches between rungs in which the worker dies half-way; it is replaced at once."""
    stragglers: float = 0.0
    """Share of the trainings that take longer than others."""
    slowdown: float = 10.0
    """Factor by which these trainings take longer."""
    seed: int = 0


def measured_seconds(_task: Task, outcome: Outcome) -> float:
    """The seconds that the outcome says the training took."""
    return outcome.seconds


@dataclass(slots=True)
class _Training:
    """A training under way, whose end only the engine knows."""

    task: Task
    outcome: Outcome
    seconds: float
    """Duration of a whole training in virtual seconds."""
    learned: str
    """Name of the learned objective."""
    epochs: int = 0
    """Epochs done so far, which are kept if the worker dies."""

    @property
    def total(self) -> int:
        return self.outcome.epochs

    @property
    def next_stop(self) -> int:
        """Epochs done when the training is judged next, or ends. It is not judged where it was not measured."""
        values = self.values
        rungs = (rung for rung in self.task.budget.rungs if self.epochs < rung < self.total and rung in values)
        return next(rungs, self.total)

    @property
    def values(self) -> dict[int, float]:
        """Values of the learned objective during the training, by epochs done."""
        return self.outcome.on_the_way(self.learned) if isinstance(self.outcome, Evaluation) else {}

    def partial(self) -> Outcome:
        """The evaluation of the epochs so far."""
        assert isinstance(self.outcome, Evaluation)
        curve = [entry for entry in self.outcome.details["curve"] if entry["epoch"] <= self.epochs]
        return replace(
            self.outcome,
            measurements={self.learned: Measurement(mean=self.values[self.epochs])},
            seconds=self.seconds * self.epochs / self.total,
            epochs=self.epochs,
            details={**self.outcome.details, "curve": curve},
        )


class VirtualTimeEngine:
    """Runs a search with simulated workers.

    Args:
        evaluator: Returns outcomes, at once or after a real training. If the budget has rungs, the details of its
            evaluations must hold the whole curve, which is reported to the driver as virtual time passes.
        workers: Number of trainings at the same virtual time.
        seconds: Gives the virtual duration of a training in seconds.
        faults: Faults of the workers.
        count_driver: Whether the driver's real time counts as virtual time, during which workers wait.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        *,
        workers: int = 1,
        seconds: Seconds = measured_seconds,
        faults: Faults | None = None,
        count_driver: bool = False,
    ) -> None:
        self._evaluator = evaluator
        self._workers = workers
        self._seconds = seconds
        self._faults = faults or Faults()
        self._count_driver = count_driver
        self._rng = np.random.default_rng(self._faults.seed)
        self._trainings: dict[int, _Training] = {}
        self._order = itertools.count()
        self._stops: list[tuple[float, int, int, int | None]] = []
        self._drained: float | None = None
        self.now = 0.0
        """Virtual seconds since the start."""
        self.busy = 0.0
        """Virtual seconds that all workers together have worked."""
        self.epochs = 0
        """Number of epochs trained, including those lost with a worker."""
        self.driver_seconds = 0.0
        """Seconds that the driver has taken, including the sampler and the study."""

    @property
    def utilization(self) -> float:
        """Share of the workers' time in which they worked, until there was not enough work for all of them."""
        if self._drained is not None:
            return self._drained
        return self._busy_until_now() / (self.now * self._workers) if self.now else 0.0

    def _busy_until_now(self) -> float:
        return self.busy - sum(max(stop - self.now, 0.0) for stop, *_ in self._stops)

    def run(self, driver: Driver, on_event: Callable[[], object] = lambda: None) -> None:
        """Works until the driver is finished.

        Args:
            driver: Driver of the search.
            on_event: Called after every change.
        """
        while not driver.finished:
            while len(self._stops) < self._workers:
                with self._driving():
                    task = driver.next_task()
                if task is None:
                    if self._drained is None and driver.handed_out >= driver.target:
                        self._drained = self.utilization
                    break
                self._begin(task, learned(driver.objectives).name)
            on_event()
            if not self._stops:
                return
            stop, _, number, epochs = heapq.heappop(self._stops)
            self.now = max(self.now, stop)
            with self._driving():
                self._arrive(driver, self._trainings[number], epochs)
        on_event()

    @contextmanager
    def _driving(self) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        spent = time.perf_counter() - begin
        self.driver_seconds += spent
        if self._count_driver:
            self.now += spent

    def _begin(self, task: Task, learned_name: str) -> None:
        if task.trial not in self._trainings:
            outcome = self._evaluator.evaluate(task, lambda _progress: True)
            slow = self._faults.slowdown if self._rng.random() < self._faults.stragglers else 1.0
            self._trainings[task.trial] = _Training(task, outcome, slow * self._seconds(task, outcome), learned_name)
        self._go_on(self._trainings[task.trial])

    def _go_on(self, training: _Training) -> None:
        """Schedules the next stop of a training, or the death of its worker before that."""
        epochs = training.next_stop - training.epochs
        share = epochs / training.total if training.total else 1.0
        dies = bool(self._rng.random() < self._faults.crashes)
        seconds = training.seconds * share * (0.5 if dies else 1.0)
        self.busy += seconds
        self.epochs += epochs // 2 if dies else epochs
        stop = None if dies else training.next_stop
        heapq.heappush(self._stops, (self.now + seconds, next(self._order), training.task.trial, stop))

    def _arrive(self, driver: Driver, training: _Training, epochs: int | None) -> None:
        number = training.task.trial
        if epochs is None:
            driver.on_lost(number, "the simulated worker died")
            return
        training.epochs = epochs
        if epochs == training.total:
            del self._trainings[number]
            driver.on_outcome(number, training.outcome)
            return
        assert isinstance(training.outcome, Evaluation)
        if driver.on_progress(Progress(trial=number, epochs=epochs, value=training.values[epochs])):
            self._go_on(training)
        else:
            driver.on_outcome(number, training.partial())
