"""The group counts and Kronecker factors that fit a layer's channels, in the order in which a search numbers them."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from search_spaces.blocks.spec import KroneckerShape

T = TypeVar("T")
Pair = tuple[int, int]


def factor_pairs(group_channels: int, max_factor: int) -> tuple[tuple[int, int], ...]:
    """Ordered pairs (n1, n2) with n1 n2 = `group_channels` and 2 <= n1, n2 <= `max_factor`, nearest to square first.

    Both orders are offered, n1 < n2 first: in ShuffleNetV2 the next unit splits the channels in halves, so for an even n1
    only the first factor decides what is processed and what is passed on.
    """
    pairs = [
        (n1, group_channels // n1)
        for n1 in range(2, min(max_factor, group_channels // 2) + 1)
        if group_channels % n1 == 0 and 2 <= group_channels // n1 <= max_factor
    ]
    return tuple(sorted(pairs, key=lambda pair: (max(pair) - min(pair), pair[0])))


@functools.cache
def factor_shapes(inputs: int, outputs: int, max_factor: int) -> tuple[tuple[Pair, Pair], ...]:
    """Outer and inner factors, as (rows, columns), that take a group's `inputs` to its `outputs`, nearest to square sides first.

    Each side is from 2 to `max_factor`. One factor never has more outputs than inputs while the other has fewer, since
    their product could then neither read every channel nor avoid reading one twice. So for equal numbers of inputs and
    outputs these are the `factor_pairs`.
    """
    shapes = [
        ((o1, i1), (o2, i2))
        for (i1, i2), (o1, o2) in itertools.product(factor_pairs(inputs, max_factor), factor_pairs(outputs, max_factor))
        if (o1 <= i1 and o2 <= i2) or (o1 >= i1 and o2 >= i2)
    ]
    return tuple(sorted(shapes, key=lambda s: (sum(abs(a - b) for a, b in zip(*s, strict=True)), s[0][1], s[0][0])))


@functools.cache
def group_counts(channels: int, host_groups: int, max_factor: int, outputs: int | None = None) -> tuple[int, ...]:
    """Group counts g that divide the channels, and whose groups have factors, nearest to `host_groups` in ratio first.

    Of two equally near ones, the smaller comes first. The result is empty if nothing fits.

    Args:
        channels: Number of channels that are read.
        host_groups: The group count at which the order begins.
        max_factor: Largest side of a factor.
        outputs: Number of channels that are made, which g must divide as well. Default: `channels`.
    """
    made = channels if outputs is None else outputs
    legal = [
        g
        for g in range(1, min(channels, made) + 1)
        if channels % g == 0 and made % g == 0 and factor_shapes(channels // g, made // g, max_factor)
    ]
    # |log(g / host)| ordered exactly: a float logarithm could split ties such as 1 and 4 around a host of 2.
    return tuple(sorted(legal, key=lambda g: (max(Fraction(g, host_groups), Fraction(host_groups, g)), g)))


def at_rank(legal: Sequence[T], rank: int) -> T:
    """The entry of this rank, or the last entry if there are fewer."""
    return legal[min(rank, len(legal) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer for which Kronecker factors are chosen."""

    inputs: int
    """Number of channels that are read."""
    outputs: int
    """Number of channels that are made."""
    host_groups: int = 1
    """The group count of rank 0, if it fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KroneckerRanks:
    """The meaning of a group rank and a pair rank for layers of any size."""

    group_ranks: int
    """Number of group counts that are offered."""
    pair_ranks: int
    """Number of pairs of factors that are offered."""
    max_factor: int
    """Largest side of a factor."""

    def groups(self, layer: Layer) -> tuple[int, ...]:
        """The group counts offered for a layer; empty if none fits."""
        counts = group_counts(layer.inputs, layer.host_groups, self.max_factor, layer.outputs)
        return counts[: self.group_ranks]

    def shape(self, layer: Layer, ranks: Pair) -> KroneckerShape | None:
        """The factors of these two ranks (of the group count and of the pair); None if none fit."""
        groups = self.groups(layer)
        if not groups:
            return None
        count = at_rank(groups, ranks[0])
        outer, inner = at_rank(self._pairs(layer, count), ranks[1])
        return KroneckerShape(groups=count, outer=outer, inner=inner)

    def counts(self, layers: Iterable[Layer]) -> Pair:
        """The largest numbers of group counts and of pairs that any of the layers has, at least 1."""
        groups = pairs = 1
        for layer in layers:
            found = self.groups(layer)
            groups = max(groups, len(found))
            pairs = max([pairs, *(len(self._pairs(layer, count)) for count in found)])
        return groups, min(pairs, self.pair_ranks)

    def smallest(self, layers: Sequence[Layer], ranks: Pair) -> Pair:
        """The smallest ranks that mean the same factors for all of these layers."""
        wanted = [self.shape(layer, ranks) for layer in layers]
        earlier = itertools.product(range(ranks[0] + 1), range(self.pair_ranks))
        return next(r for r in earlier if [self.shape(layer, r) for layer in layers] == wanted)

    def _pairs(self, layer: Layer, groups: int) -> tuple[tuple[Pair, Pair], ...]:
        return factor_shapes(layer.inputs // groups, layer.outputs // groups, self.max_factor)
