"""How long a step of training takes, from a few steps on random images."""

from __future__ import annotations

import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

from evaluator.device import resolve_device, resolve_execution, set_threads
from evaluator.metrics import learned_shuffles
from evaluator.optim import make_optimizer
from evaluator.settings import TrainSettings

WARM_UP_STEPS = 2
TIMED_STEPS = 3


def step_seconds(
    model: nn.Module, input_shape: tuple[int, ...], classes: int, train: TrainSettings, device: str
) -> float:
    """Median wall-clock time of one training step, in seconds; the network is changed by it.

    Args:
        model: An untrained network.
        input_shape: `(n, c, h, w)`; n is replaced by the batch size.
        classes: Number of classes.
        train: For the batch size, the precision, the layout and the threads.
        device: auto, cpu or cuda.

    Raises:
        SettingsError: The device or the precision cannot be had.
    """
    execution = resolve_execution(train, resolve_device(device))
    set_threads(train)
    generator = torch.Generator().manual_seed(0)
    shape = (train.batch_size, *input_shape[1:])
    pixels = torch.randn(shape, generator=generator).to(execution.device, memory_format=execution.memory_format)
    labels = torch.randint(classes, (train.batch_size,), generator=generator).to(execution.device)
    model = execution.place(model).train()
    optimizer = make_optimizer(model, momentum=train.momentum, weight_decay=0.0)
    shuffles = list(learned_shuffles(model).values())
    for shuffle in shuffles:
        shuffle.set_progress(0.0)
    seconds = []
    for _ in range(WARM_UP_STEPS + TIMED_STEPS):
        begin = time.perf_counter()
        with execution.autocast():
            loss = F.cross_entropy(model(pixels).float(), labels)
            if shuffles:
                loss = loss + torch.stack([shuffle.penalty() for shuffle in shuffles]).mean()
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
        if execution.device.type == "cuda":
            torch.cuda.synchronize(execution.device)
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds[WARM_UP_STEPS:])
