"""Reads an exported graph: which channels every operation reads, once operations that only move channels are taken out."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.fx import Node
from torch.fx.node import map_arg

from deployment.unshuffling.lanes import Lanes, Strength
from deployment.unshuffling.roles import MANY, MOVES, Role, arguments, aten, role_of

Channel = tuple[int, int]
"""Number of the step that makes a channel, and its position among the channels that it makes."""
Channels = tuple[Channel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An operation that computes something."""

    number: int
    node: Node
    role: Role
    channels: int
    """Number of channels that it makes; 0 if its result has none."""


class Reading:
    """The steps of a graph, and the channels that they read.

    Args:
        program: The exported network, with images as its only input.
    """

    def __init__(self, program: ExportedProgram) -> None:
        self.steps: list[Step] = []
        self.channels: dict[Node, Channels] = {}
        """For each node whose value has channels: where they come from, in their own order."""
        self.constants: dict[Node, Any] = {}
        """Values of the nodes that do not depend on the images."""
        self.result: Node
        self._parts: dict[Node, tuple[Channels, ...]] = {}
        self._lanes = Lanes()
        self._first_lanes: list[int] = []
        held = _held(program)
        for node in program.graph.nodes:
            if node.op == "placeholder" and node.name in held:
                self.constants[node] = held[node.name]
            elif node.op == "output":
                (self.result,) = node.args[0]
                self._demand(Strength.ORDER, len(self.steps), self.channels[self.result])
            elif "_assert" not in node.name and not self._is_constant(node) and not self._moves(node):
                self._compute(node)
        self._ranks = self._lanes.ranks()

    def rank(self, channel: Channel) -> int | None:
        """The rank by which a channel is to be stored; None if nobody reads it."""
        step, position = channel
        return self._ranks[self._first_lanes[step] + position]

    def _is_constant(self, node: Node) -> bool:
        """Computes a node that depends on constants alone."""
        inputs = node.all_input_nodes
        target = node.target
        chance = isinstance(target, torch._ops.OpOverload) and torch.Tag.nondeterministic_seeded in target.tags
        if node.op != "call_function" or chance or any(each not in self.constants for each in inputs):
            return False
        given, named = map_arg((node.args, dict(node.kwargs)), lambda each: self.constants[each])
        self.constants[node] = target(*given, **named)  # type: ignore[operator]
        return True

    def _moves(self, node: Node) -> bool:
        """Notes what a node reads that does nothing else."""
        if node.target is operator.getitem and node.args[0] in self._parts:
            source, position = node.args
            self.channels[node] = self._parts[source][position]  # type: ignore[index]
            return True
        if node.target is aten.cat.default:
            given = arguments(node)
            joined = given["dim"] == 1 and all(each in self.channels for each in given["tensors"])
            if joined:
                self.channels[node] = sum((self.channels[each] for each in given["tensors"]), ())
            return joined
        if node.target not in MOVES or node.args[0] not in self.channels:
            return False
        source = self.channels[node.args[0]]  # type: ignore[index]
        read = MOVES[node.target](arguments(node), len(source), self.constants)
        if read is None:
            return False
        parts = tuple(tuple(source[position] for position in each) for each in read)
        if node.target in MANY:
            self._parts[node] = parts
        else:
            (self.channels[node],) = parts
        return True

    def _compute(self, node: Node) -> None:
        """Adds a step, and what it demands of the order of channels."""
        number = len(self.steps)
        calls = node.op == "call_function"
        role = role_of(node, self.channels, self.constants) if calls else Role.OPAQUE
        count = _count(node)
        self.steps.append(Step(number=number, node=node, role=role, channels=count))
        made = self._lanes.add(count)
        self._first_lanes.append(made.start)
        read = [self.channels[each] for each in node.all_input_nodes if each in self.channels]
        if count:
            self.channels[node] = tuple((number, position) for position in range(count))
        if role is Role.DENSE:
            self._demand(Strength.SET, number, read[0])
        elif role is Role.GROUPED:
            self._demand(Strength.GROUPS, number, read[0], arguments(node)["groups"])
        elif role is Role.PER_CHANNEL and all(len(set(each)) == count for each in read):
            for channels in read:
                for own, channel in zip(made, channels, strict=True):
                    self._lanes.tie(own, self._lane(channel))
        elif node.target is not aten.sym_size.int:
            for channels in read:
                self._demand(Strength.SET if role is Role.PER_CHANNEL else Strength.ORDER, number, channels)

    def _demand(self, strength: Strength, who: int, channels: Sequence[Channel], groups: int = 1) -> None:
        places = len(channels) // groups if strength is Strength.GROUPS else 1 if strength is Strength.ORDER else 0
        for position, channel in enumerate(channels):
            self._lanes.demand(self._lane(channel), strength, who, position // places if places else 0)

    def _lane(self, channel: Channel) -> int:
        return self._first_lanes[channel[0]] + channel[1]


def _held(program: ExportedProgram) -> Mapping[str, Tensor]:
    """The parameters, buffers and constants of a program by the names of their placeholders."""
    signature = program.graph_signature
    names = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    values = {**program.constants, **program.state_dict}
    return {placeholder: values[name].detach() for placeholder, name in names.items()}


def _count(node: Node) -> int:
    """The number of channels of a node's value; 0 if it has none, or a number that is not fixed."""
    value = node.meta.get("val")
    if not isinstance(value, Tensor) or value.dim() < 2 or not isinstance(value.shape[1], int):
        return 0
    return value.shape[1]
