"""Trains networks that have been chosen: on the training and the validation images together, and without measuring them.

How good they are is measured afterwards, on the test images, by `evaluator.testing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from evaluator.costs import Network, always_counted
from evaluator.images.data import nothing_held_out
from evaluator.loaded import Loaded, load_all
from evaluator.training.checkpoint import Checkpoints
from evaluator.training.losses import BatchLoss
from evaluator.training.trainer import Training
from evaluator.worker import Spent, TrainingEvaluator
from nas.ports import Tell
from nas.records import Evaluation, Measurement, Outcome, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What is known about a training besides its task."""

    name: str
    """Name of the folder of its checkpoints and weights."""
    lesson: Mapping[str, Any] = field(default_factory=dict)
    """What a teacher adds to its loss, as plain JSON that distinguishes it; empty without a teacher."""


class WholeTraining(TrainingEvaluator):
    """Trains each task's candidate on all images that are not test images (a `nas.ports.Evaluator`).

    Its evaluations have measurements only of costs that the training has decided.

    Args:
        *arguments: Those of `TrainingEvaluator`.
        named: The trainings, by the number of their task.
        teach: Gives the loss of a training that has a lesson.
        **options: Those of `TrainingEvaluator`.
    """

    def __init__(
        self,
        *arguments: Any,
        named: Mapping[int, Named],
        teach: Callable[[Mapping[str, Any], Loaded], BatchLoss],
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self._named = named
        self._teach = teach
        self._task = -1
        self._taught: tuple[Mapping[str, Any], BatchLoss] | None = None

    def evaluate(self, task: Task, progress: Tell) -> Outcome:
        """See `TrainingEvaluator.evaluate`."""
        self._task = task.trial
        return super().evaluate(task, progress)

    def checkpoints(self, task: Task) -> Checkpoints:
        """See `TrainingEvaluator.checkpoints`."""
        return Checkpoints(
            self._checkpoints / self._named[task.trial].name,
            self._identity(task, self._load()),
            least_seconds=self._checkpoint_seconds,
            budget=self._budget,
        )

    def _load_all(self) -> Loaded:
        return load_all(
            *self._settings, self._device, self._split_seed, self._fingerprint, self._images, nothing_held_out
        )

    def _load(self) -> Loaded:
        """What trainings share, with the loss of the present one."""
        loaded, lesson = super()._load(), self._named[self._task].lesson
        if not lesson:
            return loaded
        if self._taught is None or self._taught[0] != lesson:
            self._taught = None  # frees the earlier teacher before the next one is made
            self._taught = (lesson, self._teach(lesson, loaded))
        return replace(loaded, loss=self._taught[1])

    def _identity(self, task: Task, loaded: Loaded) -> dict[str, Any]:
        return {**super()._identity(task, loaded), "held_out": False, "lesson": dict(self._named[task.trial].lesson)}

    def _measure(self, training: Training, loaded: Loaded, spent: Spent) -> tuple[Evaluation, bytes | None]:
        counted: Mapping[str, float] = {}
        if training.has_phases:
            counted = always_counted(Network(model=training.averaged.network, input_shape=loaded.input_shape))
        evaluation = Evaluation(
            measurements={cost: Measurement(mean=value) for cost, value in counted.items()},
            seconds=spent.seconds,
            epochs=training.epochs_done,
            details={
                "curve": training.curve,
                "precision": loaded.execution.precision,
                "channels_last": loaded.execution.channels_last,
                "device": loaded.execution.device.type,
                "threads": self._settings[1].threads,
            },
        )
        return evaluation, None
