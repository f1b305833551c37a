"""Times a training step by running a few steps on random images."""

from __future__ import annotations

import statistics
import time

import torch
from torch import nn

from evaluator.device import Execution, resolve_device, resolve_execution, set_threads
from evaluator.settings import TrainSettings
from evaluator.training.losses import CrossEntropy
from evaluator.training.training_step import StepNumbers, TrainingStep
from nas.errors import SettingsError

WARM_UP_STEPS = 2
TIMED_STEPS = 3


def step_seconds(
    model: nn.Module, input_shape: tuple[int, ...], classes: int, train: TrainSettings, device: str
) -> float:
    """Median wall-clock time of one training step, in seconds. The network is changed by it.

    Args:
        model: An untrained network.
        input_shape: `(n, c, h, w)`; n is replaced by the batch size.
        classes: Number of classes.
        train: Settings that give the batch size, precision, layout and threads.
        device: Name of the device: auto, cpu or cuda.

    Raises:
        SettingsError: The device or the precision is not available, or a batch is too large for the device.
    """
    execution = resolve_execution(train, resolve_device(device))
    set_threads(train)
    try:
        return _median_seconds(model, (train.batch_size, *input_shape[1:]), classes, train, execution)
    except (RuntimeError, MemoryError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise SettingsError(
            f"--train.batch_size is {train.batch_size}, but a training step on that many images fails on "
            f"{execution.device.type} ({lines[0]}); try fewer"
        ) from error


def _median_seconds(
    model: nn.Module, shape: tuple[int, ...], classes: int, train: TrainSettings, execution: Execution
) -> float:
    """Median seconds of a step on images of this shape, `(n, c, h, w)`."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn(shape, generator=generator).to(execution.device, memory_format=execution.memory_format)
    labels = torch.randint(classes, shape[:1], generator=generator).to(execution.device)
    step = TrainingStep(model, execution, CrossEntropy(), momentum=train.momentum, weight_decay=0.0)
    step.model.train()
    for shuffle in step.penalties.shuffles:
        shuffle.set_progress(0.0)
    numbers = StepNumbers(rate=0.0, penalty_weight=1.0, decay=0.0)
    seconds = []
    for _ in range(WARM_UP_STEPS + TIMED_STEPS):
        begin = time.perf_counter()
        step(pixels, labels, numbers)
        if execution.device.type == "cuda":
            torch.cuda.synchronize(execution.device)
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds[WARM_UP_STEPS:])
