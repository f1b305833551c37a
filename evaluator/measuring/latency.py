"""The latency of a deployed network, measured on the device and in the form in which it is deployed."""

from __future__ import annotations

import torch
from torch import nn

from evaluator.device import Execution, cpu_threads
from evaluator.machine import device_name
from evaluator.measuring.contention import End, Watch
from evaluator.measuring.deployed_forms import FORMS
from evaluator.measuring.timing import Stopwatch, TimeBudget, stopwatch_of, time_runs
from evaluator.training.allocator import keep_freed_memory
from nas.errors import MeasurementError, unknown_name
from nas.latency.measurement import Conditions, Latency


def measure(
    network: nn.Module,
    image_shape: tuple[int, int, int],
    *,
    batch: int,
    form: str,
    execution: Execution,
    threads: int = 1,
    budget: TimeBudget | None = None,
    watch: Watch | None = None,
    stopwatch: Stopwatch | None = None,
) -> Latency:
    """Times the forward of a deployed network on random images.

    `evaluator.measuring.exclusive` does the same while nobody else uses the device.

    Args:
        network: A network in its deployed form (`search_spaces.compact`), trained or not. It is moved to the device.
        image_shape: `(c, h, w)` of an image.
        batch: Number of images in one forward.
        form: eager, compiled or onnx.
        execution: Device, precision and memory layout. ONNX Runtime runs on the CPU, in fp32 and its own layout.
        threads: Number of CPU threads that a forward may use. Torch has its former number again afterwards.
        budget: How long to measure.
        watch: Looks for other users of the device while runs are timed. Default: no watch.
        stopwatch: Replaced in tests. Default: the wall clock, or a GPU's events.

    Raises:
        MeasurementError: The form or a number is not allowed, a package is missing, the network cannot be exported or
            compiled, or its outputs in that form differ.
    """
    _require_sound(batch, threads, image_shape, form)
    if execution.device.type == "cpu":
        keep_freed_memory()  # as workers do, so that a latency is the same whatever the process did before
    with cpu_threads(threads), torch.inference_mode():
        generator = torch.Generator().manual_seed(0)
        images = torch.randn((batch, *image_shape), generator=generator)
        images = images.to(execution.device, memory_format=execution.memory_format)
        run = FORMS[form](execution.place(network).eval(), images, execution, threads)
        end_watch = (watch or _nobody)()
        times = time_runs(run, stopwatch or stopwatch_of(execution.device), budget or TimeBudget())
        disturbed_by = end_watch()
    own = form != "onnx"
    return Latency(
        conditions=Conditions(
            device=device_name(execution.device),
            form=form,
            batch=batch,
            image_shape=image_shape,
            threads=threads,
            precision=execution.precision if own else "fp32",
            channels_last=execution.channels_last if own else False,
        ),
        median=times.median,
        spread=times.spread,
        runs=len(times.seconds),
        warm_up_runs=times.warm_up_runs,
        disturbed_by=disturbed_by,
    )


def _require_sound(batch: int, threads: int, image_shape: tuple[int, int, int], form: str) -> None:
    """Raises a MeasurementError that lists every number and name that is not allowed."""
    faults = [
        f"the {name} must be 1 or more, got {value}"
        for name, value in (("batch", batch), ("number of threads", threads), ("image's side", min(image_shape)))
        if value < 1
    ]
    if form not in FORMS:
        faults.append(unknown_name("form of a deployed network", form, FORMS))
    if faults:
        raise MeasurementError("the latency cannot be measured: " + "; ".join(faults))


def _nobody() -> End:
    return str
