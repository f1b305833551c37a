"""Sizes of the unchanged network, and checked access to a candidate's flat decisions, which may come from a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nas.dimensions import Scalar
from nas.errors import SpaceError, unknown_name
from nas.values.json_fields import shown

LARGEST = 10**6
"""Largest number that a decision may be."""
MOST_CHANNELS = 2**16
"""Most channels of a layer: four times those of a MobileNetV2 of ten times the published width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageShape:
    """The sizes of one stage of the unchanged network."""

    mixed: tuple[int, ...]
    """Numbers of channels that its mixers mix, each number once."""
    convolutions: tuple[tuple[int, int], ...]
    """Inputs and outputs of its convolutions that may be grouped or replaced by static-dynamic shuffles, each pair once."""
    filters: tuple[int, ...] = ()
    """Outputs of its dense convolutions, which may rebuild filters or learn groups, each number once."""
    groups: int = 1
    """Number of groups of its own shuffle; 1 if it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostShape:
    """The sizes of the unchanged network."""

    stage_channels: tuple[int, ...]
    """Number of output channels of each stage."""
    stages: tuple[StageShape, ...]

    @property
    def widest(self) -> int:
        """The largest number of channels of a layer."""
        of_stages = (
            c
            for stage in self.stages
            for c in (*stage.mixed, *stage.filters, *(c for pair in stage.convolutions for c in pair))
        )
        return max((*self.stage_channels, *of_stages))


def integer(values: Mapping[str, Scalar], name: str) -> int:
    """A decision that must be a positive integer, of a size that a network can have.

    Raises:
        SpaceError: The decision is missing, or is not such an integer.
    """
    value = values.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LARGEST:
        raise SpaceError(f"candidate: {name} = {shown(value)} must be a positive integer of at most {LARGEST:,}")
    return value


def number(values: Mapping[str, Scalar], name: str) -> float:
    """A decision that must be a number of at least 0, of a sensible size.

    Raises:
        SpaceError: The decision is missing, or is not such a number.
    """
    value = values.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= LARGEST:
        raise SpaceError(f"candidate: {name} = {shown(value)} must be a number of at least 0 and at most {LARGEST:,}")
    return float(value)


def named(values: Mapping[str, Scalar], name: str, allowed: Sequence[str]) -> str:
    """A decision that must be one of some names; the first name if it is absent.

    Raises:
        SpaceError: The decision is none of the names.
    """
    value = str(values.get(name, allowed[0]))
    if value not in allowed:
        raise SpaceError(f"candidate: {name}: {unknown_name(name.rpartition('.')[2], value, allowed)}")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class StageValues:
    """A candidate's decisions on one stage and on its training. Every method raises a SpaceError for impossible values."""

    stage: int
    """Number of the stage, from 1."""
    architecture: Mapping[str, Scalar]
    """The architecture of the whole network."""
    training: Mapping[str, Scalar] = field(default_factory=dict)

    def full_name(self, name: str) -> str:
        """The full name of a decision of the stage."""
        return f"stage{self.stage}.{name}"

    def raw(self, name: str) -> Scalar:
        """A decision of a genotype that has already been checked."""
        return self.architecture[self.full_name(name)]

    def integer(self, name: str) -> int:
        """A decision of the stage that must be a positive integer."""
        return integer(self.architecture, self.full_name(name))

    def number(self, name: str) -> float:
        """A decision of the stage that must be a number of at least 0."""
        return number(self.architecture, self.full_name(name))

    def named(self, name: str, allowed: Sequence[str]) -> str:
        """A decision of the stage that must be one of some names; the first name if it is absent."""
        return named(self.architecture, self.full_name(name), allowed)

    def ranks(self) -> tuple[int, int]:
        """The group rank and the pair rank of a stage whose layers differ in size."""
        found = []
        for key in ("group_rank", "pair_rank"):
            rank = self.architecture.get(self.full_name(key))
            if not isinstance(rank, int) or isinstance(rank, bool) or rank < 0:
                raise SpaceError(f"candidate: {self.full_name(key)} = {rank!r} must be an integer of at least 0")
            found.append(rank)
        return found[0], found[1]
