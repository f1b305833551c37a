"""Writes a graph anew: channels are stored in the orders that were found, and parameters are reordered accordingly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Graph, GraphModule, Node
from torch.fx.node import map_arg

from deployment.unshuffling.left import Left, left_by, place_of
from deployment.unshuffling.reading import Channel, Channels, Reading, Step
from deployment.unshuffling.roles import Role, arguments, aten

PIECES = 4
"""Most contiguous pieces per tensor, on average, by which channels are read; more are read by one gather."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """A tensor of the new graph."""

    value: Node
    places: dict[int, int]
    """For each channel that is stored, its place."""


class Writing:
    """The new graph.

    Args:
        reading: The graph as it was read.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._graph = Graph()
        self._held = nn.Module()
        self._stored: dict[int, _Stored] = {}
        self._others: dict[Node, Node] = {}
        """Nodes of the former graph whose values have no channels, and those of the new graph."""
        self._read: dict[tuple[Channel, ...], Node] = {}
        self.left: list[Left] = []
        """What still moves channels."""
        write = {
            Role.DENSE: self._dense,
            Role.GROUPED: self._grouped,
            Role.PER_CHANNEL: self._per_channel,
            Role.OPAQUE: self._opaque,
        }
        for step in reading.steps:
            write[step.role](step)
        result = reading.channels[reading.result]
        self._graph.output((self._exactly(result, place_of(reading.result), "the logits have their own order"),))
        self._graph.eliminate_dead_code()
        self.module = GraphModule(self._held, self._graph)

    def _dense(self, step: Step) -> None:
        given = arguments(step.node)
        read = self._reading.channels[given["input"]]
        ordered = sorted(set(read), key=self._place)
        columns = {channel: column for column, channel in enumerate(ordered)}
        weight = self._reading.constants[given["weight"]]
        # A channel that is read twice counts with the sum of both columns.
        folded = weight.new_zeros((len(weight), len(ordered), *weight.shape[2:]))
        folded.index_add_(1, torch.tensor([columns[channel] for channel in read]), weight)
        order = self._ranked(step)
        if order:
            source = self._exactly(ordered, place_of(step.node), "its inputs are in too many pieces")
            self._layer(step, source, folded[order], order)

    def _grouped(self, step: Step) -> None:
        given = arguments(step.node)
        groups, read = given["groups"], self._reading.channels[given["input"]]
        weight = self._reading.constants[given["weight"]]
        rows, columns = len(weight) // groups, len(read) // groups
        ordered: list[Channel] = []
        order: list[int] = []
        parts: list[Tensor] = []
        for group in range(groups):
            own = list(range(group * columns, (group + 1) * columns))
            own.sort(key=lambda position: self._place(read[position]))
            ordered += [read[position] for position in own]
            made = sorted(range(group * rows, (group + 1) * rows), key=lambda position: self._rank(step, position))
            order += made
            parts.append(weight[made][:, [position - group * columns for position in own]])
        why = "each group of the convolution reads channels from several places"
        self._layer(step, self._exactly(ordered, place_of(step.node), why), torch.cat(parts), order)

    def _layer(self, step: Step, source: Node, weight: Tensor, order: list[int]) -> None:
        """A convolution or linear layer with another weight, of which the bias is put into order."""
        given = arguments(step.node)
        bias = None if given["bias"] is None else self._hold(self._reading.constants[given["bias"]][order])
        rest = [value for name, value in given.items() if name not in ("input", "weight", "bias")]
        self._store(step, (source, self._hold(weight), bias, *rest), {}, order)

    def _per_channel(self, step: Step) -> None:
        node = step.node
        order = self._passed_on(step) or self._ranked(step)
        if not order:
            return
        why = "the terms of a sum, or channels that are treated separately, are stored in another order"
        axes = next(each for each in node.all_input_nodes if each in self._reading.channels).meta["val"].dim()

        def new(former: Node) -> Any:
            if former in self._reading.channels:
                channels = self._reading.channels[former]
                return self._exactly([channels[position] for position in order], place_of(node), why)
            value = self._reading.constants[former]
            if not isinstance(value, Tensor):
                return value
            axis = 0 if node.target is aten.conv2d.default else value.dim() - (axes - 1)
            whole = axis < 0 or value.dim() == 0 or value.shape[axis] != step.channels
            return self._hold(value if whole else value.index_select(axis, torch.tensor(order)))

        given, named = map_arg((node.args, dict(node.kwargs)), new)
        if node.target is aten.conv2d.default:
            given = (*given[:6], len(order))
        self._store(step, given, named, order)

    def _opaque(self, step: Step) -> None:
        node = step.node
        if node.op == "placeholder":
            value = self._graph.placeholder("images")
        else:
            given, named = map_arg((node.args, dict(node.kwargs)), self._in_own_order(node))
            value = self._graph.call_function(node.target, given, named)  # type: ignore[arg-type]
            self.left += left_by(node, self._reading.constants)
        self._others[node] = value
        if step.channels:
            self._stored[step.number] = _Stored(value, {position: position for position in range(step.channels)})

    def _in_own_order(self, node: Node) -> Callable[[Node], Any]:
        def new(former: Node) -> Any:
            channels = self._reading.channels.get(former)
            if channels is not None:
                if node.target is aten.sym_size.int:  # of any axis but that of the channels
                    return next(self._stored[step].value for step, _ in channels if step in self._stored)
                return self._exactly(
                    channels, place_of(node), "the operation after it needs channels in their own order"
                )
            if former in self._reading.constants:
                value = self._reading.constants[former]
                return self._hold(value) if isinstance(value, Tensor) else value
            return self._others[former]

        return new

    def _exactly(self, channels: Sequence[Channel], place: str, why: str) -> Node:
        """These channels in this order.

        Args:
            channels: The channels.
            place: Name of the module that reads them.
            why: Why they cannot be read in another order, if they are in too many pieces.
        """
        wanted = tuple(channels)
        if wanted not in self._read:
            self._read[wanted] = self._pieced(wanted, place, why)
        return self._read[wanted]

    def _pieced(self, channels: Channels, place: str, why: str) -> Node:
        found = [(step, self._stored[step].places[position]) for step, position in channels]
        breaks = [k for k, (one, other) in enumerate(pairwise(found), 1) if other != (one[0], one[1] + 1)]
        pieces = [(*found[start], stop - start) for start, stop in pairwise((0, *breaks, len(found)))]
        steps = list(dict.fromkeys(step for step, _ in found))
        if len(pieces) <= PIECES * len(steps):
            return self._joined([self._slice(*piece) for piece in pieces])
        whole = self._joined([self._stored[step].value for step in steps])
        firsts: dict[int, int] = {}
        for step in steps:
            firsts[step] = sum(len(self._stored[each].places) for each in firsts)
        index = torch.tensor([firsts[step] + at for step, at in found])
        self.left.append(Left(place=place, operation="gather", why=why))
        return self._graph.call_function(aten.index_select.default, (whole, 1, self._hold(index)))

    def _joined(self, values: list[Node]) -> Node:
        return values[0] if len(values) == 1 else self._graph.call_function(aten.cat.default, (values, 1))

    def _slice(self, step: int, first: int, count: int) -> Node:
        stored = self._stored[step]
        if count == len(stored.places):
            return stored.value
        return self._graph.call_function(aten.slice.Tensor, (stored.value, 1, first, first + count))

    def _ranked(self, step: Step) -> list[int]:
        """The channels of a step that anybody reads, in the order in which they are to be stored."""
        read = [
            position for position in range(step.channels) if self._reading.rank((step.number, position)) is not None
        ]
        return sorted(read, key=lambda position: self._rank(step, position))

    def _passed_on(self, step: Step) -> list[int]:
        """The order of the inputs, if each is one whole tensor and they agree; otherwise empty."""
        found = set()
        for former in step.node.all_input_nodes:
            if former in self._reading.channels:
                channels = self._reading.channels[former]
                positions = {channel: position for position, channel in enumerate(channels)}
                sources = {step for step, _ in channels}
                source = next(iter(sources))
                stored = self._stored.get(source)
                if len(sources) > 1 or stored is None or len(positions) < len(channels):
                    return []
                found.add(tuple(positions.get((source, channel), -1) for channel in stored.places))
        (order, *differing) = found
        return [] if differing or -1 in order else list(order)

    def _rank(self, step: Step, position: int) -> tuple[int, int]:
        return self._reading.rank((step.number, position)) or 0, position

    def _place(self, channel: Channel) -> tuple[int, int]:
        return channel[0], self._stored[channel[0]].places[channel[1]]

    def _store(self, step: Step, given: Any, named: Any, order: list[int]) -> None:
        value = self._graph.call_function(step.node.target, tuple(given), named)  # type: ignore[arg-type]
        self._others[step.node] = value
        self._stored[step.number] = _Stored(value, {channel: place for place, channel in enumerate(order)})

    def _hold(self, value: Tensor) -> Node:
        name = f"held_{len(self._held._buffers)}"
        self._held.register_buffer(name, value.detach().clone().contiguous())
        return self._graph.get_attr(name)
