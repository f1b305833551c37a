"""A latency measured with the device to itself, or refused."""

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
"""At one latency, before it is refused: what is in the way may be short."""


def lock_of(device: torch.device) -> DeviceLock:
    """The lock that trainings on a device hold shared, and measurements on it exclusively.

    The CPU's is in a GPU's, since it launches the kernels.
    """
    return DeviceLock("cpu", *([_uuid(device)] if device.type == "cuda" else []))


def watch_of(device: torch.device) -> Watch:
    """What is watched while a device is measured."""
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
        network: In its deployed form (`search_spaces.compact`). Moved to the device.
        image_shape: `(c, h, w)` of an image.
        batches: Images in one forward; one latency each.
        form: eager, compiled or onnx.
        execution: Device, precision and memory layout.
        threads: CPU threads that a forward may use.
        accept_disturbed: Whether a latency counts although others used the device; it then says so.
        wait_seconds: How long to wait for our own trainings on the device. Default: for ever.
        budget: How long is measured.
        lock: For tests. Default: the device's.
        watch: For tests. Default: the device's.
        stopwatch: For tests.

    Raises:
        MeasurementError: The device was in use, or it cannot be measured as asked.
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
    """The first of a few attempts that counts.

    Raises:
        MeasurementError: None does.
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
    """A GPU's name in nvidia-smi, whatever CUDA_VISIBLE_DEVICES makes of its number."""
    return f"GPU-{torch.cuda.get_device_properties(device).uuid}"
