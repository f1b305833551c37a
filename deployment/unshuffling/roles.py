"""What an operation of an exported graph does with channels, which are axis 1 of every tensor that has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from torch.fx import Node

aten = torch.ops.aten


class Role(Enum):
    """What an operation does with channels."""

    DENSE = "dense"
    """Each output reads all inputs: a convolution without groups, or a linear layer."""
    GROUPED = "grouped"
    """Each output reads the inputs of its group."""
    PER_CHANNEL = "per channel"
    """Output channel i depends on channel i of each input alone, and is made as all others are, up to parameters."""
    OPAQUE = "opaque"
    """Anything else: it needs the channels in their own order, and its output is in its own order."""


ELEMENTWISE = frozenset(
    {
        aten.relu.default, aten.hardtanh.default, aten.hardswish.default, aten.silu.default, aten.sigmoid.default,
        aten.tanh.default, aten.clone.default, aten.to.dtype, aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor,
        aten.div.Tensor, aten.addcmul.default, aten.max_pool2d.default, aten.avg_pool2d.default,
    }
)  # fmt: skip
"""Operations that treat all channels alike, whatever their arguments."""
OVER_AXES = frozenset({aten.mean.dim, aten.sum.dim_IntList})


def arguments(node: Node) -> dict[str, Any]:
    """The arguments of an operation by name, with the defaults of those that are not given."""
    schema = node.target._schema.arguments  # type: ignore[union-attr]
    named = {each.name: each.default_value for each in schema if each.has_default_value()}
    return {**named, **dict(zip((each.name for each in schema), node.args, strict=False)), **node.kwargs}


def role_of(node: Node, channels: Mapping[Node, Any], constants: Mapping[Node, Any]) -> Role:
    """The role of an operation.

    Args:
        node: A node that calls a function.
        channels: The nodes whose values have channels, with one entry for each of these.
        constants: The nodes whose values do not depend on images, with their values.
    """
    if node.target is aten.conv2d.default:
        return _of_convolution(arguments(node), channels, constants)
    if node.target is aten.linear.default:
        given = arguments(node)
        flat = given["input"] in channels and given["input"].meta["val"].dim() == 2
        return Role.DENSE if flat and _are_known(given, constants) else Role.OPAQUE
    return Role.PER_CHANNEL if _is_per_channel(node, channels, constants) else Role.OPAQUE


def _of_convolution(given: Mapping[str, Any], channels: Mapping[Node, Any], constants: Mapping[Node, Any]) -> Role:
    if given["input"] not in channels or not _are_known(given, constants):
        return Role.OPAQUE
    groups, weight = given["groups"], constants[given["weight"]]
    if groups == 1:
        return Role.DENSE
    return Role.PER_CHANNEL if groups == len(channels[given["input"]]) == len(weight) else Role.GROUPED


def _are_known(given: Mapping[str, Any], constants: Mapping[Node, Any]) -> bool:
    return given["weight"] in constants and (given["bias"] is None or given["bias"] in constants)


def _is_per_channel(node: Node, channels: Mapping[Node, Any], constants: Mapping[Node, Any]) -> bool:
    read = [each for each in node.all_input_nodes if each in channels]
    value = node.meta.get("val")
    if (
        not read
        or not isinstance(value, Tensor)
        or any(n not in channels and n not in constants for n in node.all_input_nodes)
    ):
        return False
    axes, count = read[0].meta["val"].dim(), len(channels[read[0]])
    if any(len(channels[each]) != count or each.meta["val"].dim() != axes for each in read):
        return False
    given = arguments(node) if isinstance(node.target, torch._ops.OpOverload) else {}
    if node.target in ELEMENTWISE:
        shapes = [constants[each].dim() for each in node.all_input_nodes if isinstance(constants.get(each), Tensor)]
        return value.dim() == axes and value.shape[1] == count and all(dim <= axes for dim in shapes)
    if node.target in OVER_AXES:
        over = given["dim"] or ()
        return bool(over) and all(axis % axes > 1 for axis in over)
    if node.target is aten.unsqueeze.default:
        return bool(given["dim"] % (axes + 1) > 1)
    if node.target is aten.slice.Tensor:
        return bool(given["dim"] % axes != 1)
    return node.target is aten.pad.default and len(given["pad"]) <= 2 * (axes - 2) and given["mode"] == "constant"


Indices = list[int]
Move = Callable[[Mapping[str, Any], int, Mapping[Node, Any]], "list[Indices] | None"]
"""From an operation's arguments, the number of channels of its input, and the constants: which of them each output reads."""


def _chunk(given: Mapping[str, Any], count: int, _: Mapping[Node, Any]) -> list[Indices] | None:
    return [part.tolist() for part in torch.arange(count).chunk(given["chunks"])] if given["dim"] == 1 else None


def _split(given: Mapping[str, Any], count: int, _: Mapping[Node, Any]) -> list[Indices] | None:
    sizes = given["split_sizes"]
    if given["dim"] != 1 or any(not isinstance(size, int) for size in sizes):
        return None
    ends = list(accumulate(sizes))
    return [list(range(end - size, end)) for size, end in zip(sizes, ends, strict=True)]


def _slice(given: Mapping[str, Any], count: int, _: Mapping[Node, Any]) -> list[Indices] | None:
    ends = (given["start"], given["end"], given["step"])
    if given["dim"] != 1 or any(isinstance(end, Node) for end in ends):
        return None
    return [list(range(count))[slice(*ends)]]


def _select(given: Mapping[str, Any], _: int, constants: Mapping[Node, Any]) -> list[Indices] | None:
    known = given["dim"] == 1 and given["index"] in constants
    return [constants[given["index"]].tolist()] if known else None


def _index(given: Mapping[str, Any], _: int, constants: Mapping[Node, Any]) -> list[Indices] | None:
    indices = given["indices"]
    if len(indices) != 2 or indices[0] is not None or indices[1] not in constants or constants[indices[1]].dim() != 1:
        return None
    return [constants[indices[1]].tolist()]


def _shuffle(given: Mapping[str, Any], count: int, _: Mapping[Node, Any]) -> list[Indices]:
    return [torch.arange(count).view(given["groups"], -1).t().flatten().tolist()]


def _nothing(_given: Mapping[str, Any], count: int, _: Mapping[Node, Any]) -> list[Indices]:
    return [list(range(count))]


MOVES: dict[Any, Move] = {
    aten.chunk.default: _chunk,
    aten.split_with_sizes.default: _split,
    aten.slice.Tensor: _slice,
    aten.index_select.default: _select,
    aten.index.Tensor: _index,
    aten.channel_shuffle.default: _shuffle,
    aten.alias.default: _nothing,
    aten.contiguous.default: _nothing,
}
"""Operations that only read channels in another order; joining tensors along their channels is one as well."""
MANY = (aten.chunk.default, aten.split_with_sizes.default)
"""Those with several outputs."""
