"""Estimates the peak memory of a training step from two small batches, before any full batch is run.

Apart from weights, their gradients and their averages, the memory of a step is proportional to its number of images: it
consists of activations, which are kept for the backward pass. So two sizes determine a line, which gives the peak of any
batch. On a GPU the allocator's own count is read; on a CPU storages are followed, which misses the scratch memory of single
operations (`evaluator.measuring.peak_memory`).
"""

from __future__ import annotations

import copy
import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from evaluator.device import Execution
from evaluator.measuring.peak_memory import Following, storage_bytes
from evaluator.training.losses import BatchLoss
from evaluator.training.recipe import Recipe
from evaluator.training.trainer import Training, TrainingData
from nas.records import MemoryNeed

SMALL, LARGE = 16, 8
"""Sizes of the batches that are measured, as shares of a full one."""
GPU_SHARE = 0.9
"""Share of a GPU's memory that trainings may hold by default; the rest is for fragments and for other programs."""
CONTEXT_BYTES = 600 * 2**20
"""Bytes that a process takes of a GPU before its first tensor, for CUDA's context and libraries. This is an assumption, not
measured here.
"""
LEAST_IMAGES = 2
"""Least number of images in a step, which batch norms need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMemory:
    """Peak memory of a training step by its number of images."""

    fixed: float
    """Number of bytes that any step holds."""
    per_image: float
    """Number of bytes that each image adds."""

    def of(self, images: int) -> int:
        """Bytes of a step on so many images."""
        return round(self.fixed + images * self.per_image)

    def parts_to_fit(self, images: int, capacity: int) -> int:
        """The number of equal parts (1, 2, 4, ...) into which a step on so many images must be divided to stay within a capacity.

        Raises:
            MemoryError: Not even two images at a time fit.
        """
        parts = 1
        while self.of(-(-images // parts)) > capacity:
            parts *= 2
            if images // parts < LEAST_IMAGES:
                raise MemoryError(
                    f"a training step on {LEAST_IMAGES} images takes {self.of(LEAST_IMAGES) / 1e9:.2f} GB of memory, "
                    f"and the device has {capacity / 1e9:.2f} GB for it"
                )
        return parts


def of_training(
    model: nn.Module, data: TrainingData, recipe: Recipe, execution: Execution, loss: BatchLoss
) -> StepMemory:
    """Measures the memory of a training's step on a copy, so that the network and torch's random state do not change.

    Args:
        model: An untrained network.
        data: Data of the training, whose first images are used.
        recipe: Recipe of the training.
        execution: Device, precision and layout of the training.
        loss: Loss of the training.
    """
    device = execution.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        training = Training(copy.deepcopy(model), data, recipe, execution, loss)

        def step(images: int) -> None:
            pixels, labels = data.train.take(torch.arange(images) % len(data.train))
            training.step(data.normalize(pixels), labels, 9, 10)  # late in a training, when all its parts are at work

        return measure(step, training.lasting, recipe.images(len(data.train)), device)


def measure(
    step: Callable[[int], object], there: Callable[[], Iterable[Tensor]], images: int, device: torch.device
) -> StepMemory:
    """Measures the memory of a step by running a few small steps.

    Args:
        step: Runs a training step on so many images.
        there: Gives the tensors that stay from step to step: weights, averages, the optimizer's state.
        images: Number of images in a full step.
        device: Device on which the step runs.
    """
    small = max(LEAST_IMAGES, images // SMALL)
    large = max(small + LEAST_IMAGES, images // LARGE)
    step(small)  # makes the lasting tensors; on a GPU it also chooses kernels
    at_small, at_large = (_peak(step, there, count, device) for count in (small, large))
    per_image = max(0.0, (at_large - at_small) / (large - small))
    return StepMemory(fixed=at_small - small * per_image, per_image=per_image)


def _peak(
    step: Callable[[int], object], there: Callable[[], Iterable[Tensor]], images: int, device: torch.device
) -> int:
    if device.type == "cuda":
        step(images)  # a new batch size may need other kernels, and trying them takes memory
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        step(images)
        torch.cuda.synchronize(device)
        return int(torch.cuda.max_memory_allocated(device))
    staying = list(there())
    with Following(staying) as following:
        step(images)
    return storage_bytes(staying) + int(following.peak)


def capacity(device: torch.device, declared: int | None) -> int | None:
    """Bytes that all trainings on a device may hold together; None if memory is not limited."""
    if declared is not None or device.type != "cuda":
        return declared
    return int(GPU_SHARE * torch.cuda.get_device_properties(device).total_memory)


def need_of(device: torch.device, step_bytes: int, capacity: int) -> MemoryNeed:
    """The memory that a training asks for, including that of its process."""
    if device.type != "cuda":
        return MemoryNeed(device=f"{platform.node()}, cpu", bytes=step_bytes, capacity=capacity)
    index = torch.cuda.current_device() if device.index is None else device.index
    name = f"{platform.node()}, GPU {torch.cuda.get_device_properties(index).uuid}"
    return MemoryNeed(device=name, bytes=step_bytes + CONTEXT_BYTES, capacity=capacity)


def peak_bytes(device: torch.device) -> int | None:
    """The most bytes that this process's tensors held on a GPU since that count was last reset; None on other devices."""
    return int(torch.cuda.max_memory_allocated(device)) if device.type == "cuda" else None
