"""What still moves channels in a graph, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch.fx import Node

from deployment.unshuffling.roles import aten

BY_INDEX = {aten.index_select.default: 2, aten.gather.default: 2, aten.index.Tensor: 1}
"""Operations that read by an index, with the position of this argument."""
OVER_AXES = (aten.permute.default, aten.transpose.int, aten.channel_shuffle.default)


@dataclass(frozen=True, slots=True, order=True)
class Left:
    """An operation that moves channels."""

    place: str
    """Name of the module that it belongs to."""
    operation: str
    why: str


def left_by(node: Node, constants: Mapping[Node, Any]) -> list[Left]:
    """What an operation that was kept as it is moves."""
    if node.target in BY_INDEX:
        index = node.args[BY_INDEX[node.target]]
        given = index if isinstance(index, (list, tuple)) else [index]
        made = any(isinstance(each, Node) and each not in constants for each in given)
        return [
            Left(place_of(node), _name(node), "its index is made from each image" if made else "it is part of a method")
        ]
    if (
        node.target in OVER_AXES
        and max((n.meta["val"].dim() for n in node.all_input_nodes if n not in constants), default=0) > 2
    ):
        return [Left(place_of(node), _name(node), "it belongs to a block that is kept as it is")]
    return []


def place_of(node: Node) -> str:
    """The name of the innermost module that an operation belongs to."""
    stack = node.meta.get("nn_module_stack") or {}
    names = [name for name, _ in stack.values() if name]
    return str(names[-1]).removeprefix("L['self'].") if names else node.name


def _name(node: Node) -> str:
    return str(node.target).removeprefix("aten.").partition(".")[0]
