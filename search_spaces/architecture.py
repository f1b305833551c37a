"""Sizes of the unchanged network, and a candidate's flat decisions, which may come from a file, read one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nas.dimensions import Scalar
from nas.errors import SpaceError, unknown_name
from nas.values.json_fields import shown

LARGEST = 10**6
"""Number that a decision may be."""
MOST_CHANNELS = 2**16
"""Of a layer; four times those of a MobileNetV2 of ten times the published width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageShape:
    """Sizes in one stage of the unchanged network."""

    mixed: tuple[int, ...]
    """Channels that its mixers mix, each number once."""
    convolutions: tuple[tuple[int, int], ...]
    """Inputs and outputs of its convolutions that may be grouped or static-dynamic shuffles, each pair once."""
    filters: tuple[int, ...] = ()
    """Outputs of its dense convolutions, which may rebuild filters or learn groups, each number once."""
    groups: int = 1
    """Groups of its own shuffle; 1 where it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostShape:
    """Sizes of the unchanged network."""

    stage_channels: tuple[int, ...]
    """Outputs of each stage."""
    stages: tuple[StageShape, ...]

    @property
    def widest(self) -> int:
        """Most channels of a layer."""
        of_stages = (
            c
            for stage in self.stages
            for c in (*stage.mixed, *stage.filters, *(c for pair in stage.convolutions for c in pair))
        )
        return max((*self.stage_channels, *of_stages))


def integer(values: Mapping[str, Scalar], name: str) -> int:
    """A decision that is a positive integer, and none that no network could be made of.

    Raises:
        SpaceError: It is missing or something else.
    """
    value = values.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LARGEST:
        raise SpaceError(f"candidate: {name} = {shown(value)} must be a positive integer of at most {LARGEST:,}")
    return value


def number(values: Mapping[str, Scalar], name: str) -> float:
    """A decision that is a positive or zero number, of a size that makes sense.

    Raises:
        SpaceError: It is missing or something else.
    """
    value = values.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= LARGEST:
        raise SpaceError(f"candidate: {name} = {shown(value)} must be a number of at least 0 and at most {LARGEST:,}")
    return float(value)


def named(values: Mapping[str, Scalar], name: str, allowed: Sequence[str]) -> str:
    """A decision that is one of some names, the first where it is absent.

    Raises:
        SpaceError: It is none of them.
    """
    value = str(values.get(name, allowed[0]))
    if value not in allowed:
        raise SpaceError(f"candidate: {name}: {unknown_name(name.rpartition('.')[2], value, allowed)}")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class StageValues:
    """What a candidate has decided on one stage, and on its training; every method raises a SpaceError for what cannot be."""

    stage: int
    """Number of the stage, from 1."""
    architecture: Mapping[str, Scalar]
    """Of the whole network."""
    training: Mapping[str, Scalar] = field(default_factory=dict)

    def full_name(self, name: str) -> str:
        """Of a decision of the stage."""
        return f"stage{self.stage}.{name}"

    def raw(self, name: str) -> Scalar:
        """A decision of a genotype, which has been checked already."""
        return self.architecture[self.full_name(name)]

    def integer(self, name: str) -> int:
        """A positive integer."""
        return integer(self.architecture, self.full_name(name))

    def number(self, name: str) -> float:
        """A number of at least 0."""
        return number(self.architecture, self.full_name(name))

    def named(self, name: str, allowed: Sequence[str]) -> str:
        """One of some names, the first where it is absent."""
        return named(self.architecture, self.full_name(name), allowed)

    def ranks(self) -> tuple[int, int]:
        """Group rank and pair rank of a stage whose layers differ in size."""
        found = []
        for key in ("group_rank", "pair_rank"):
            rank = self.architecture.get(self.full_name(key))
            if not isinstance(rank, int) or isinstance(rank, bool) or rank < 0:
                raise SpaceError(f"candidate: {self.full_name(key)} = {rank!r} must be an integer of at least 0")
            found.append(rank)
        return found[0], found[1]
