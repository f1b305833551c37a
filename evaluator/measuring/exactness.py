"""How far the layers of a network, as trainings compute them, are from double precision.

A forward pass of the whole network gives the inputs of each layer. Then each layer is computed alone, on these inputs and
with random gradients of its outputs: as in trainings, and in double precision, on the CPU in NCHW and without oneDNN.

Whole networks cannot be compared closely enough. A rectifier whose input is 0 up to rounding opens in one precision and closes in
the other, and with a few images one such event moves the gradients of all layers below it: for the unchanged ShuffleNetV2s of the
ready configs in fp32 by up to 8 % on 8 images, and in bf16 no gradient resembled the exact one. A layer alone, from equal inputs,
is off by its own rounding.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from evaluator.device import Execution, cpu_threads
from evaluator.measuring.metrics import learned_shuffles

TOLERANCES = {"fp32": 1e-2, "fp16": 5e-2, "bf16": 1e-1}
"""Largest norm of a difference that rounding explains, as a share of the exact norm, by precision.

Over 60 networks of all spaces, unchanged and drawn at random, on a CPU, plain layers were off by up to 3e-5 in fp32 and 4e-3 in
bf16, learned mixers, in which nearly equal numbers are subtracted, by up to 5e-4 and 2e-2. On a GPU fp32 leaves room for TF32, in
which torch computes convolutions there and which has as many bits as fp16; neither was measured. The faulty kernel for which this
was written was off by 0.06 to 0.7, where it came to an end."""
REPEATS = 4
"""How often a layer is computed as in trainings: where threads overwrite each other's numbers, some calls are right by chance."""
DRAWS = 2
"""Number of batches of random images. A layer is wrong if it is off in all of them, since in one of them a learned mixer may
have a tie up to rounding.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """The output or gradient of a layer that is furthest from double precision."""

    what: str
    """What deviates: the gradient of a parameter or of a layer's input, or a layer's output, with its name in the network."""
    layer: str
    """The layer as PyTorch describes it, on one line."""
    threads: int
    """Number of CPU threads on which the layer was computed."""
    error: float
    """Norm of the difference as a share of the exact norm; infinite if something is not a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """The smallest module that was called and holds certain parameters, and the inputs it was called with."""

    name: str
    parameters: tuple[str, ...]
    """The parameters, by their names within the module."""
    inputs: tuple[Any, ...]
    needs_gradient: tuple[bool, ...]
    """For each input, whether something below it is to be trained."""


def worst_deviation(
    network: nn.Module,
    input_shape: tuple[int, int, int, int],
    execution: Execution,
    threads: int,
    on_layer: Callable[[str, int], object] = lambda _layer, _threads: None,
) -> Deviation | None:
    """The largest deviation beyond the tolerance; None if there is none.

    Args:
        network: An untrained network. It is moved to the device, and must not be used afterwards.
        input_shape: `(n, c, h, w)` of its input; the images are random.
        execution: Device, precision and layout of trainings.
        threads: CPU threads of a training. One thread is tried as well: a kernel that writes beyond its memory then destroys what
            belongs to somebody else, of which the process dies, instead of numbers of its own, which may come out right by
            chance. Torch has its own number again afterwards.
        on_layer: Called with each layer and the number of threads, before the layer is computed as in trainings.
    """
    # Only the checked layers run on several threads: on busy cores, small operations on several threads take many times longer.
    with cpu_threads(1):
        exact = copy.deepcopy(network).double()
        network = execution.place(network)
        for each in (network, exact):
            each.train()
            for shuffle in learned_shuffles(each).values():
                shuffle.set_progress(0.0)
        suspects: dict[str, Deviation] = {}
        for draw in range(DRAWS):
            images = torch.randn(input_shape, generator=torch.Generator().manual_seed(draw))
            images = images.to(execution.device, memory_format=execution.memory_format)
            found = {each.what: each for each in _deviations(network, exact, images, execution, threads, on_layer)}
            beyond = {what: each for what, each in found.items() if each.error > TOLERANCES[execution.precision]}
            suspects = beyond if draw == 0 else {what: each for what, each in suspects.items() if what in beyond}
            if not suspects:
                return None
        return max(suspects.values(), key=lambda each: each.error)


def _deviations(
    network: nn.Module,
    exact: nn.Module,
    images: Tensor,
    execution: Execution,
    threads: int,
    on_layer: Callable[[str, int], object],
) -> list[Deviation]:
    """The deviation of each output and gradient of each layer. Equal layers with inputs of equal shapes count once."""
    with execution.autocast():
        layers = _layers(network, images)
    worst: dict[str, Deviation] = {}
    for layer in layers:
        module = network.get_submodule(layer.name)
        description = " ".join(repr(module).split())
        # In double precision torch does not use oneDNN; it is switched off for layers that would insist on it.
        with _without_onednn():
            inputs = tuple(_exact(value) for value in layer.inputs)
            expected = _step(layer, exact.get_submodule(layer.name), inputs, nullcontext())
        for count in sorted({1, threads}):
            with cpu_threads(count):
                on_layer(f"{layer.name} ({description})", count)
                steps = [_step(layer, module, layer.inputs, execution.autocast()) for _ in range(REPEATS)]
            for what, value in expected.items():
                error = max(_error(step[what], value) for step in steps)
                if what not in worst or error > worst[what].error:
                    worst[what] = Deviation(what=what, layer=description, threads=count, error=error)
    return list(worst.values())


def _layers(network: nn.Module, images: Tensor) -> list[_Layer]:
    """One layer of each kind that holds parameters, from a forward of the whole network."""
    calls: dict[str, tuple[Any, ...]] = {}

    def remember(name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def hook(_module: nn.Module, inputs: tuple[Any, ...]) -> None:
            calls.setdefault(name, inputs)

        return hook

    handles = [module.register_forward_pre_hook(remember(name)) for name, module in network.named_modules()]
    network(images)
    for handle in handles:
        handle.remove()
    owned: dict[str, list[str]] = {}
    for full in dict(network.named_parameters()):
        # A block may use the parameters of a module in it without calling that module; then the block is the layer.
        name = full.rpartition(".")[0]
        while name and name not in calls:
            name = name.rpartition(".")[0]
        owned.setdefault(name, []).append(full.removeprefix(f"{name}."))
    kinds: dict[object, _Layer] = {}
    for name, parameters in owned.items():
        module, inputs = network.get_submodule(name), calls[name]
        layer = _Layer(
            name=name,
            parameters=tuple(parameters),
            inputs=tuple(value.detach() if isinstance(value, Tensor) else value for value in inputs),
            needs_gradient=tuple(isinstance(value, Tensor) and value.requires_grad for value in inputs),
        )
        forms = tuple(
            (value.shape, value.stride(), value.dtype) if isinstance(value, Tensor) else None for value in inputs
        )
        shapes = tuple(parameter.shape for parameter in module.parameters())
        kinds.setdefault((type(module), repr(module), shapes, forms, layer.needs_gradient), layer)
    return list(kinds.values())


def _step(
    layer: _Layer, module: nn.Module, inputs: tuple[Any, ...], context: AbstractContextManager[object]
) -> Mapping[str, Tensor]:
    """Runs a layer forward and backward, and returns its outputs and gradients by name."""
    module.zero_grad(set_to_none=True)
    given = [
        value.detach().requires_grad_(needed) if isinstance(value, Tensor) else value
        for value, needed in zip(inputs, layer.needs_gradient, strict=True)
    ]
    with context:
        made = module(*given)
    outputs = [value for value in ([made] if isinstance(made, Tensor) else made) if value.requires_grad]
    generator = torch.Generator().manual_seed(0)
    # Bfloat16 has the fewest digits, so these numbers are the same in every precision.
    above = [torch.randn(value.shape, generator=generator).bfloat16() for value in outputs]
    torch.autograd.backward(
        outputs, [torch.empty_like(value).copy_(g) for value, g in zip(outputs, above, strict=True)]
    )
    parameters = dict(module.named_parameters())
    prefix, name = (f"{layer.name}.", layer.name) if layer.name else ("", "the network")
    found = {f"the gradient of {prefix}{each}": parameters[each].grad for each in layer.parameters}
    for number, value in enumerate(given):
        found[f"the gradient of input {number} of {name}"] = value.grad if isinstance(value, Tensor) else None
    found |= {f"output {number} of {name}": value.detach() for number, value in enumerate(outputs)}
    return {what: value for what, value in found.items() if value is not None}


def _exact(value: Any) -> Any:
    """A tensor in double precision, on the CPU and in the usual layout; any other value unchanged."""
    if not isinstance(value, Tensor):
        return value
    return value.detach().to("cpu", torch.float64 if value.is_floating_point() else value.dtype).contiguous()


def _error(found: Tensor, exact: Tensor) -> float:
    difference = float((_exact(found) - exact).norm())
    norm = float(exact.norm())
    if difference == 0:
        return 0.0
    return difference / norm if math.isfinite(difference) and norm > 0 else math.inf


@contextmanager
def _without_onednn() -> Iterator[None]:
    before = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = before
