"""Orders in which channels are stored: one order for all tensors whose channels belong together.

A lane is a channel through all tensors in which it has to be at the same place as in others, such as both terms of a sum. Each
lane collects who reads it. Lanes with the same readers are stored beside each other, so that every reader finds what it needs
in few contiguous pieces.
"""

from __future__ import annotations

from collections import defaultdict
from enum import IntEnum

Demand = tuple["Strength", int, int]
"""How strict a reader or writer is about the order, its number, and the place that a lane has with it."""


class Strength(IntEnum):
    """How strict a reader or writer is about the order of channels; the strictest decide first."""

    ORDER = 0
    """Every channel has its own place."""
    GROUPS = 1
    """A channel belongs to a group, within which any order will do."""
    SET = 2
    """Any order will do."""


class Lanes:
    """The lanes of a network, which are tied to each other and then ranked."""

    def __init__(self) -> None:
        self._parents: list[int] = []
        self._demands: dict[int, set[Demand]] = defaultdict(set)

    def add(self, count: int) -> range:
        """The numbers of as many new lanes."""
        first = len(self._parents)
        self._parents.extend(range(first, first + count))
        return range(first, first + count)

    def tie(self, one: int, other: int) -> None:
        """Makes two lanes one."""
        first, second = sorted((self._root(one), self._root(other)))
        self._parents[second] = first

    def demand(self, lane: int, strength: Strength, who: int, place: int = 0) -> None:
        """Notes that somebody reads or writes a lane.

        Args:
            lane: Number of the lane.
            strength: How strict the reader or writer is.
            who: Number of the reader or writer.
            place: The channel's position or group there.
        """
        self._demands[lane].add((strength, who, place))

    def ranks(self) -> list[int | None]:
        """The rank of each lane, by which channels are to be stored; None for lanes that nobody reads or writes."""
        gathered: dict[int, set[Demand]] = defaultdict(set)
        for lane, demands in self._demands.items():
            gathered[self._root(lane)] |= demands
        keys = {root: tuple(sorted(demands)) for root, demands in gathered.items()}
        ranked = {root: rank for rank, root in enumerate(sorted(keys, key=lambda root: (keys[root], root)))}
        return [ranked.get(self._root(lane)) for lane in range(len(self._parents))]

    def _root(self, lane: int) -> int:
        root = lane
        while self._parents[root] != root:
            root = self._parents[root]
        while self._parents[lane] != root:
            self._parents[lane], lane = root, self._parents[lane]
        return root
