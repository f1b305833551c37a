"""The forms in which a deployed network is run: eager, compiled, or exported and run by ONNX Runtime.

Every other form is compared with the eager one before it is timed, since a fast network with different outputs is useless.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from evaluator.device import Execution
from evaluator.measuring.timing import Call
from nas.errors import MeasurementError

TOLERANCE = {"fp32": 1e-3, "bf16": 5e-2, "fp16": 1e-2}
"""Largest difference between forms, as a share of the largest output, by precision."""
COMPARED = 16
"""Number of images on which outputs are compared."""
MOST_DIFFERING = 0.25
"""Share of the images that may differ by more: if two logits of a generated permutation are equal up to rounding, the
permutation may change.
"""

Form = Callable[[nn.Module, Tensor, Execution, int], Call]
"""Makes, from a placed network, a batch on its device, the execution and the CPU threads, the function that runs one forward of
the batch.
"""


def eager(network: Callable[[Tensor], Any], images: Tensor, execution: Execution, threads: int) -> Call:
    """A forward by PyTorch, operation by operation."""
    with execution.autocast():
        network(images)

    def forward() -> object:
        with execution.autocast():
            return network(images)

    return partial(network, images) if execution.precision == "fp32" else forward


def compiled(network: nn.Module, images: Tensor, execution: Execution, threads: int) -> Call:
    """A forward compiled by torch.compile, as one graph for this batch only.

    Raises:
        MeasurementError: The network cannot be compiled, or its outputs differ.
    """
    # Dynamo counts recompilations of a class's forward over all networks, and after eight of them it gives up.
    torch.compiler.reset()
    faster = torch.compile(network, fullgraph=True, dynamic=False)
    try:
        call = eager(faster, images, execution, threads)
    except Exception as error:  # whatever the compiler and the C++ compiler behind it raise
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise MeasurementError(f"the network cannot be compiled ({type(error).__name__}: {lines[0]})") from error
    check_outputs("compiled", faster, network, images, execution)
    return call


def onnx(network: nn.Module, images: Tensor, execution: Execution, threads: int) -> Call:
    """A forward of the network exported to ONNX, run by ONNX Runtime on the CPU.

    Raises:
        MeasurementError: A package is missing, the device is not a CPU, or the network cannot be exported, or its outputs differ.
    """
    if execution.device.type != "cpu":
        raise MeasurementError(
            f"the form onnx is measured on the cpu, not on {execution.device}; allowed: eager, compiled"
        )
    from evaluator.measuring.onnx_form import OnnxNetwork

    exported = OnnxNetwork(network, images.contiguous(), threads)
    check_outputs(
        "onnx", exported, network, images, Execution(device=execution.device, precision="fp32", channels_last=False)
    )
    return exported.bound(images)


FORMS: dict[str, Form] = {"eager": eager, "compiled": compiled, "onnx": onnx}


def check_outputs(
    form: str,
    other: Callable[[Tensor], Tensor],
    network: Callable[[Tensor], Tensor],
    images: Tensor,
    execution: Execution,
) -> None:
    """Refuses a form whose outputs differ from those of the network, on batches of random images.

    Raises:
        MeasurementError: The outputs differ; the message says on how many images, and by how much.
    """
    differences: list[float] = []
    generator = torch.Generator().manual_seed(1)
    while len(differences) < COMPARED:
        x = torch.randn(images.shape, generator=generator).to(images.device, memory_format=execution.memory_format)
        with execution.autocast():
            expected, found = network(x).float(), other(x).float()
        if expected.shape != found.shape:
            raise MeasurementError(
                f"the form {form} gives outputs of shape {tuple(found.shape)}, the network {tuple(expected.shape)}"
            )
        scale = expected.abs().amax().clamp_min(1e-12)
        differences += ((found - expected).abs().flatten(1).amax(1) / scale).tolist()
    tolerance = TOLERANCE[execution.precision]
    # `not <=` counts NaN as a difference.
    differing = [difference for difference in differences if not difference <= tolerance]
    if len(differing) > MOST_DIFFERING * len(differences):
        raise MeasurementError(
            f"the form {form} gives other outputs than the network on {len(differing)} of {len(differences)} images, by up to "
            f"{max(differing):.2g} of the largest output (allowed: {tolerance:g}, on a quarter of the images)"
        )
