"""How much memory a training step holds at its peak, from two small batches before any full one.

What a step holds beside weights, their gradients and their averages grows with its images in proportion: activations, kept for the
backward pass. So two sizes give a line, and the line the peak of any batch. On a GPU the allocator's own count is read; on a CPU
storages are followed, in which the scratch memory of single operations is not seen (`evaluator.measuring.peak_memory`).
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
"""The batches that are measured: these parts of a full one."""
GPU_SHARE = 0.9
"""Of a GPU's memory that trainings may hold by default: the rest goes to fragments, and to whoever else draws on it."""
CONTEXT_BYTES = 600 * 2**20
"""What a process takes of a GPU before its first tensor: CUDA's context and its libraries. An assumption, not measured here."""
LEAST_IMAGES = 2
"""Of a step: batch norms need as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMemory:
    """Peak memory of a training step by its number of images."""

    fixed: float
    """Bytes that any step holds."""
    per_image: float
    """Bytes that each image adds."""

    def of(self, images: int) -> int:
        """Bytes of a step on so many images."""
        return round(self.fixed + images * self.per_image)

    def parts_to_fit(self, images: int, capacity: int) -> int:
        """In how many equal parts, one after the other, a step on so many images stays within a capacity: 1, 2, 4, ...

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
    """Measured on a copy: the network and torch's random numbers stay as they are.

    Args:
        model: Untrained.
        data: Whose first images are used.
        recipe: As for the training.
        execution: As for the training.
        loss: As for the training.
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
    """Runs a few small steps.

    Args:
        step: Does a training step on so many images.
        there: The tensors that stay from step to step: weights, averages, the optimizer's state.
        images: Of a full step.
        device: Where it runs.
    """
    small = max(LEAST_IMAGES, images // SMALL)
    large = max(small + LEAST_IMAGES, images // LARGE)
    step(small)  # makes what stays; on a GPU it also chooses kernels
    at_small, at_large = (_peak(step, there, count, device) for count in (small, large))
    per_image = max(0.0, (at_large - at_small) / (large - small))
    return StepMemory(fixed=at_small - small * per_image, per_image=per_image)


def _peak(
    step: Callable[[int], object], there: Callable[[], Iterable[Tensor]], images: int, device: torch.device
) -> int:
    if device.type == "cuda":
        step(images)  # a batch of another size may take other kernels, whose trials are not what later steps hold
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
    """Bytes that all trainings on a device may hold together; None if nobody counts them."""
    if declared is not None or device.type != "cuda":
        return declared
    return int(GPU_SHARE * torch.cuda.get_device_properties(device).total_memory)


def need_of(device: torch.device, step_bytes: int, capacity: int) -> MemoryNeed:
    """What a training asks for, its process included."""
    if device.type != "cuda":
        return MemoryNeed(device=f"{platform.node()}, cpu", bytes=step_bytes, capacity=capacity)
    index = torch.cuda.current_device() if device.index is None else device.index
    name = f"{platform.node()}, GPU {torch.cuda.get_device_properties(index).uuid}"
    return MemoryNeed(device=name, bytes=step_bytes + CONTEXT_BYTES, capacity=capacity)


def peak_bytes(device: torch.device) -> int | None:
    """The most that this process's tensors held on a GPU since that was last reset; None elsewhere."""
    return int(torch.cuda.max_memory_allocated(device)) if device.type == "cuda" else None
