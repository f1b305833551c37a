"""Times the parts of a training by training a few steps, on the real images and along the whole path of their data."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

from torch import nn

from evaluator.device import Execution
from evaluator.measuring.metrics import other_modes
from evaluator.training.checkpoint import Checkpoints
from evaluator.training.losses import BatchLoss
from evaluator.training.recipe import Recipe
from evaluator.training.trainer import Training, TrainingData

STEPS = {"cpu": 4, "cuda": 30}
"""Number of steps of an epoch of the rehearsal, by the kind of device."""
EPOCHS = 3
"""Number of such epochs. The first one is not timed, since much is made ready in it; the others see shuffles soft and hard."""
VALIDATION_BATCHES = 4
"""Number of batches that are validated."""
RATE = 1e-6
"""Learning rate with which no network diverges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """Seconds that the parts of a candidate's training take."""

    step: float
    """Seconds of one step, with the choice, augmentation and normalization of its images."""
    validation: float
    """Seconds of one validation pass over all validation images."""
    passes_at_end: int
    """Number of validation passes by which a network is measured when its training has ended."""
    setup: float
    """Seconds until the first step is done, beyond the time of a step."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON of the fields."""
        return asdict(self)


def rehearse(
    build: Callable[[], nn.Module], data: TrainingData, recipe: Recipe, execution: Execution, loss: BatchLoss
) -> Rehearsal:
    """Trains a network for a few steps and validates it on a few batches."""
    begin = time.perf_counter()
    batch = recipe.images(len(data.train))
    steps = min(STEPS[execution.device.type], recipe.steps(len(data.train)))
    validated = min(VALIDATION_BATCHES * batch, len(data.validation))
    few = replace(data, train=data.train.first(steps * batch), validation=data.validation.first(validated))
    short = replace(recipe, lr=RATE, epochs=EPOCHS, rungs=())
    training = Training(build(), few, short, execution, loss)
    ends: list[float] = []

    def tell(_epochs: int, _value: float | None) -> None:
        ends.append(time.perf_counter())

    with TemporaryDirectory() as folder:
        training.run(Checkpoints(Path(folder), {}, least_seconds=math.inf), tell)
    measured_in_epochs = recipe.learned in training.curve[0]
    at = time.perf_counter()
    hard = training.measure()
    once = time.perf_counter() - at
    epochs = [end - start - once * measured_in_epochs for start, end in itertools.pairwise(ends[1:])]
    step = max(fmean(epochs), 1e-6) / steps
    return Rehearsal(
        step=step,
        validation=once * len(data.validation) / validated,
        passes_at_end=1 + len(other_modes(hard)),
        setup=max(ends[1] - begin - steps * step, 0.0),
    )
