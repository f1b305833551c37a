"""What the engine asks of whoever evaluates candidates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from nas.candidate import Candidate
from nas.records import Outcome, Progress, Task

CostFunction = Callable[[Candidate], Mapping[str, float]]
"""The known objectives of a candidate (`macs`, `params`), exact, in milliseconds and without training."""


Tell = Callable[[Progress], bool | None]
"""Takes a sign of life; False means that the training is to be paused."""


class Evaluator(Protocol):
    """Trains and measures one candidate after the other. Lives in a worker process."""

    def evaluate(self, task: Task, progress: Tell) -> Outcome:
        """Trains the task's candidate, going on from its checkpoint if there is one.

        Told at a rung not to go on, it keeps a checkpoint and returns an Evaluation of fewer epochs.

        What goes wrong with the candidate comes back as a Failure; another exception counts as its crash. A NasError means that no
        candidate could be trained here (images gone, disk full): the search stops and the trial stays to be continued.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """How a worker process makes its evaluator: a name and plain JSON, so that nothing is pickled."""

    factory: str
    """`module:function`; the function takes `arguments` as keywords and returns an Evaluator."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON."""
    arrays: Mapping[str, Any] = field(default_factory=dict)
    """Numpy arrays, large and only read. An engine whose workers are elsewhere gives them on as the keyword `arrays`, once for each
    machine, if they fit; where that is missing the evaluator finds for itself what it needs."""
