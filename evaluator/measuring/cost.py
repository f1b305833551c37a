"""Multiply-adds and parameters of a network, counted analytically.

One multiply-add counts 1, as the ShuffleNet papers count FLOPs. The evaluation form is counted on the meta device, where
nothing is computed: convolutions and linear layers by formula, `module_protocols.Counted` modules by what they say
themselves; norms, activations, pooling, additions and index shuffles cost 0. Anything else that holds parameters or
multiplies matrices is an error, never zero.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from module_protocols import Counted
from nas.errors import CostError

WEIGHTLESS = (
    nn.modules.batchnorm._NormBase,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.RMSNorm,
    nn.PReLU,
)
"""Modules whose parameters cost no multiply-adds by this convention."""
SHAPE_KEEPING: frozenset[Callable[..., Any]] = frozenset(
    {F.batch_norm, F.layer_norm, F.group_norm, F.instance_norm, F.relu, F.relu6, F.hardswish, F.silu, F.gelu}
)
"""Functions whose output has the shape of their first argument and that cost no multiply-adds by this convention."""
MULTIPLICATIONS: frozenset[Callable[..., Any]] = frozenset(
    {
        F.conv1d,
        F.conv2d,
        F.conv3d,
        F.conv_transpose1d,
        F.conv_transpose2d,
        F.conv_transpose3d,
        F.linear,
        F.bilinear,
        F.scaled_dot_product_attention,
        torch.matmul,
        torch.mm,
        torch.bmm,
        torch.baddbmm,
        torch.addmm,
        torch.mv,
        torch.einsum,
        torch.tensordot,
        torch.Tensor.matmul,
        torch.Tensor.__matmul__,
        torch.Tensor.__rmatmul__,
        torch.Tensor.mm,
        torch.Tensor.bmm,
    }
)
"""Functions that multiply matrices. Only modules whose cost is known may call them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCost:
    """Cost of one module, without its children."""

    name: str
    """The name of the module in `named_modules`."""
    kind: str
    """The type of the module, such as "Conv2d"."""
    macs: int
    """Multiply-adds for one image, over all its calls."""
    params: int
    output_shape: tuple[int, ...]
    """Shape of the output of the last call, for a batch of one image; empty if the module is not called in evaluation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkCost:
    """The cost of a network for one image."""

    macs: int
    """Number of multiply-adds."""
    params: int
    """Number of parameters of the deployed network; an index map needs none."""
    layers: tuple[LayerCost, ...]
    """The cost of every module that costs something or holds parameters, in the order of the network."""


def count_cost(model: nn.Module, input_shape: tuple[int, ...]) -> NetworkCost:
    """Counts the evaluation form of a network.

    Args:
        model: Any network on any device; it is not changed.
        input_shape: `(n, c, h, w)`; one image is counted whatever n is.

    Raises:
        CostError: A module has parameters or multiplies matrices, but its cost is unknown; the message names module and type.
    """
    on_meta = all(tensor.is_meta for tensor in (*model.parameters(), *model.buffers()))
    network = model if on_meta and not model.training else meta_copy(model).eval()
    names = {module: name for name, module in network.named_modules()}
    # What a module says about itself may depend on its tensors, which a copy on the meta device lacks.
    originals = dict(zip(names, model.modules(), strict=True))
    for module, name in names.items():
        _refuse_unknown(module, name)
    macs: dict[nn.Module, int] = {}
    shapes: dict[nn.Module, tuple[int, ...]] = {}

    def record(module: nn.Module, inputs: Any, output: Any) -> None:
        macs[module] = macs.get(module, 0) + multiply_adds(originals[module], inputs, output)
        shapes[module] = tuple(output.shape) if isinstance(output, torch.Tensor) else ()

    with torch.no_grad(), _Watch(names) as watch, watch.following(network, record):
        network(torch.empty((1, *input_shape[1:]), device="meta"))
    seen: set[int] = set()
    layers = []
    for module, name in names.items():
        params = deployed_parameters(originals[module], seen)
        if macs.get(module, 0) or params:
            layers.append(
                LayerCost(
                    name=name,
                    kind=type(module).__name__,
                    macs=macs.get(module, 0),
                    params=params,
                    output_shape=shapes.get(module, ()),
                )
            )
    return NetworkCost(
        macs=sum(layer.macs for layer in layers), params=sum(layer.params for layer in layers), layers=tuple(layers)
    )


def meta_copy(model: nn.Module) -> nn.Module:
    """A copy of a network on the meta device; no data is copied."""
    tensors: dict[int, Any] = {}
    for parameter in model.parameters():
        empty = torch.empty_like(parameter, device="meta")
        tensors[id(parameter)] = nn.Parameter(empty, requires_grad=parameter.requires_grad)
    for buffer in model.buffers():
        tensors[id(buffer)] = torch.empty_like(buffer, device="meta")
    return copy.deepcopy(model, tensors)


def multiply_adds(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> int:
    """Multiply-adds of one call of a module, without its children."""
    if isinstance(module, Counted):
        return module.multiply_adds(tuple(inputs[0].shape))
    if isinstance(module, nn.modules.conv._ConvTransposeNd):
        per_input = module.out_channels // module.groups * math.prod(module.kernel_size)
        return int(inputs[0].numel()) * per_input
    if isinstance(module, nn.modules.conv._ConvNd):
        per_output = module.in_channels // module.groups * math.prod(module.kernel_size)
        return int(output.numel()) * per_output
    if isinstance(module, nn.Linear):
        return int(output.numel()) * module.in_features
    return 0


def deployed_parameters(module: nn.Module, seen: set[int]) -> int:
    """Number of a module's own parameters that the deployed network needs. Parameters that were counted elsewhere do not count.

    Args:
        module: The module, whose children are not counted.
        seen: Identities of the parameters counted so far, to which those of this module are added.
    """
    own = [parameter for parameter in module.parameters(recurse=False) if id(parameter) not in seen]
    seen.update(id(parameter) for parameter in own)
    if isinstance(module, Counted):
        return module.deployed_parameters()
    return sum(parameter.numel() for parameter in own)


def _is_known(module: nn.Module) -> bool:
    return isinstance(module, (Counted, nn.modules.conv._ConvNd, nn.Linear, *WEIGHTLESS))


def _refuse_unknown(module: nn.Module, name: str) -> None:
    """Refuses a module that has parameters of its own but no known cost.

    Raises:
        CostError: The cost is unknown; the message names the module and its type.
    """
    if not _is_known(module) and any(True for _ in module.parameters(recurse=False)):
        raise CostError(
            f"module {name!r} of type {type(module).__name__} holds parameters, but its multiply-adds are not known; "
            "it must be a convolution, a linear layer, a norm, or a module_protocols.Counted"
        )


class _Watch(TorchFunctionMode):
    """Detects matrix products outside the modules whose cost is known."""

    def __init__(self, names: dict[nn.Module, str]) -> None:
        super().__init__()
        self._names = names
        self._running: list[nn.Module] = []

    @contextmanager
    def following(self, network: nn.Module, record: Callable[[nn.Module, Any, Any], None]) -> Iterator[None]:
        """A context that keeps track of the running module, and records each module when it ends."""

        def begin(module: nn.Module, inputs: Any) -> None:
            self._running.append(module)

        def end(module: nn.Module, inputs: Any, output: Any) -> None:
            self._running.pop()
            record(module, inputs, output)

        handles = [
            handle
            for module in network.modules()
            for handle in (module.register_forward_pre_hook(begin), module.register_forward_hook(end))
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in MULTIPLICATIONS and self._running and not _is_known(self._running[-1]):
            module = self._running[-1]
            raise CostError(
                f"module {self._names[module]!r} of type {type(module).__name__} calls {func.__name__}, but its "
                "multiply-adds are not known; it must be a module_protocols.Counted"
            )
        if func in SHAPE_KEEPING:
            # On the meta device these run through Python decompositions that take most of the time of counting.
            return args[0]
        return func(*args, **(kwargs if kwargs is not None else {}))
