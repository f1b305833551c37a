"""What the engine asks of whoever evaluates candidates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from nas.candidate import Candidate
from nas.records import FailureKind, Outcome, Progress, Task

CostFunction = Callable[[Candidate], Mapping[str, float]]
"""Gives the known objectives of a candidate (such as `macs` and `params`): exact, within milliseconds, without training."""


Tell = Callable[[Progress], bool | None]
"""Called with a sign of life of a training. It returns False if the training is to be paused."""


class Evaluator(Protocol):
    """Trains and measures one candidate after the other, within a worker process."""

    def evaluate(self, task: Task, progress: Tell) -> Outcome:
        """Trains the task's candidate, starting from its checkpoint if there is one.

        If `tell` answers False at a rung, it keeps a checkpoint and returns an Evaluation with fewer epochs than the budget.

        An error of the candidate is returned as a Failure, and any other exception counts as its crash. A NasError means
        that no candidate could be trained here (images gone, disk full): the search stops and the trial stays to be
        continued.
        """
        ...


class Tasks(Protocol):
    """What an engine works off, as a state machine: tasks for workers, and what becomes of them. The driver of a search is one."""

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to hand out or to wait for."""
        ...

    def next_task(self) -> Task | None:
        """The next task for an idle worker, or None if there is none at the moment."""
        ...

    def on_progress(self, progress: Progress) -> bool:
        """Called with a worker's sign of life. The answer, which a worker waits for at a rung, says whether the task goes on."""
        ...

    def on_outcome(self, number: int, outcome: Outcome) -> None:
        """Called when a worker has ended the task of this number."""
        ...

    def on_lost(self, number: int, reason: str, kind: FailureKind = FailureKind.CRASHED) -> None:
        """Called when the worker of the task of this number has died, for a reason in words."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """How a worker process makes its evaluator: a name and plain JSON, so that nothing is pickled."""

    factory: str
    """Where to find the function that makes the Evaluator, as `module:function`. It takes `arguments` as keywords."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the factory, as plain JSON."""
    arrays: Mapping[str, Any] = field(default_factory=dict)
    """Large numpy arrays that workers only read. An engine whose workers are on other machines sends them once to each machine,
    if they fit, as the keyword argument `arrays`. Without them the evaluator loads for itself what it needs.
    """
