"""Measures a latency while nobody else uses the device, or refuses it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import torch
from torch import nn

from evaluator.device import Execution
from evaluator.measuring.contention import Watch, all_watches, cpu_watch, gpu_watch
from evaluator.measuring.device_lock import DeviceLock
from evaluator.measuring.latency import measure
from evaluator.measuring.timing import Stopwatch, TimeBudget
from nas.errors import MeasurementError
from nas.latency.measurement import Latency

ATTEMPTS = 3
"""Attempts at one latency before it is refused, since a disturbance may be short."""


def lock_of(device: torch.device) -> DeviceLock:
    """The lock that trainings on a device hold shared, and measurements on it exclusively.

    That of a GPU includes the CPU's, since the CPU launches the kernels.
    """
    return DeviceLock("cpu", *([_uuid(device)] if device.type == "cuda" else []))


def watch_of(device: torch.device) -> Watch:
    """The watch for other users of a device while it is measured."""
    return all_watches(cpu_watch, partial(gpu_watch, _uuid(device))) if device.type == "cuda" else cpu_watch


def measure_alone(
    network: nn.Module,
    image_shape: tuple[int, int, int],
    *,
    batches: tuple[int, ...],
    form: str,
    execution: Execution,
    threads: int = 1,
    accept_disturbed: bool = False,
    wait_seconds: float | None = None,
    budget: TimeBudget | None = None,
    lock: DeviceLock | None = None,
    watch: Watch | None = None,
    stopwatch: Stopwatch | None = None,
) -> tuple[Latency, ...]:
    """Times the forward of a deployed network while nobody else uses the device.

    The caller must not hold the lock itself.

    Args:
        network: A network in its deployed form (`search_spaces.compact`), which is moved to the device.
        image_shape: `(c, h, w)` of an image.
        batches: Numbers of images in one forward; a latency is measured for each.
        form: eager, compiled or onnx.
        execution: Device, precision and memory layout.
        threads: Number of CPU threads that a forward may use.
        accept_disturbed: Whether a latency counts although others used the device; the latency then says so.
        wait_seconds: How long to wait for our own trainings on the device. Default: for ever.
        budget: How long to measure.
        lock: Replaced in tests. Default: the lock of the device.
        watch: Replaced in tests. Default: the watch of the device.
        stopwatch: Replaced in tests. Default: see `measure`.

    Raises:
        MeasurementError: The device was in use, or cannot be measured as asked.
    """
    holding: AbstractContextManager[None] = (lock or lock_of(execution.device)).exclusive(wait_seconds)
    attempt = partial(
        measure,
        network,
        image_shape,
        form=form,
        execution=execution,
        threads=threads,
        budget=budget,
        watch=watch or watch_of(execution.device),
        stopwatch=stopwatch,
    )
    with holding:
        return tuple(_undisturbed(partial(attempt, batch=batch), accept_disturbed) for batch in batches)


def _undisturbed(attempt: Callable[[], Latency], accept_disturbed: bool) -> Latency:
    """The first of a few attempts that was not disturbed.

    Raises:
        MeasurementError: All attempts were disturbed.
    """
    for _ in range(ATTEMPTS):
        latency = attempt()
        if accept_disturbed or not latency.disturbed_by:
            return latency
    raise MeasurementError(
        f"no latency was measured on {latency.conditions.device}, in {ATTEMPTS} attempts: {latency.disturbed_by}; "
        "stop them, or accept disturbed measurements, which are then marked (--latency.accept_disturbed true)"
    )


def _uuid(device: torch.device) -> str:
    """A GPU's UUID in nvidia-smi, whatever CUDA_VISIBLE_DEVICES makes of its number."""
    return f"GPU-{torch.cuda.get_device_properties(device).uuid}"
