"""What a kind of convolutions is to a space, to a network and to a report."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from nas.dimensions import Scalar
from nas.portrait import KindStyle
from search_spaces.architecture import StageShape, StageValues
from search_spaces.ranks import KroneckerRanks, Layer

if TYPE_CHECKING:
    from search_spaces.blocks import KroneckerShape
    from search_spaces.hosts.host import Host

Settings = TypeVar("Settings")
"""The dataclass of settings that a kind adds to those of a space; `Any` where it adds none."""


class Convolutions(ABC):
    """What the convolutions of one stage become: a candidate's decisions, read and found to fit."""

    @abstractmethod
    def build(self, host: Host, stage: int) -> None:
        """Puts them into a stage of the host, counted from 0."""

    @property
    def factors(self) -> tuple[KroneckerShape, ...]:
        """Of the Kronecker shuffles among them."""
        return ()


class Unchanged(Convolutions):
    """The host's own."""

    def build(self, host: Host, stage: int) -> None:
        """Leaves the host as it is."""


class Kind(ABC, Generic[Settings]):
    """One kind of convolutions: its decisions, their meaning, and how it is told and drawn.

    A kind has no state. Its settings are a frozen dataclass of its own, from which the settings of every space that offers it
    inherit; methods are given those of the space. Its file says all of this, and `KINDS` enrolls it.
    """

    name: ClassVar[str]
    """As settings and candidates have it."""
    style: ClassVar[KindStyle]
    """Its name and look in a report."""
    told: ClassVar[bool] = True
    """Whether a report tells a stage by it. Else it tells the stage by its mixer, unless that is the unchanged one."""
    drawing: ClassVar[str] = "plain"
    """How a unit is drawn, see `nas.portrait.Part`."""
    mixes: ClassVar[bool] = False
    """Whether a mixer stands between its convolutions where the host has none of its own."""
    factored: ClassVar[bool] = False
    """Whether Kronecker shuffles stand in the place of convolutions; they share the decisions of generated mixers."""
    learned: ClassVar[bool] = False
    """Whether its permutations are learned as those of mixers are."""
    converts: ClassVar[bool] = False
    """Whether it converts a finished stage, mixers included, and draws no weights. The others are made first, kind by kind."""

    def faults(self, settings: Settings) -> list[str]:
        """What is wrong with its settings, one sentence each."""
        return []

    def with_defaults(self, settings: Settings) -> Settings:
        """Its settings with defaults filled in."""
        return settings

    def decisions(self, settings: Settings) -> Mapping[str, tuple[Scalar, ...]]:
        """What is decided on a stage of this kind alone: choices by name, which no other kind has."""
        return {}

    def training(self, settings: Settings) -> Mapping[str, tuple[float, float]]:
        """What is decided on the training where a stage is of this kind: ranges on a log scale, by name."""
        return {}

    def misfits(self, settings: Settings, stage: int, shape: StageShape) -> list[str]:
        """Why none of its choices fits a stage, counted from 1; empty when one does."""
        return []

    def mixer_groups(self, settings: Settings, shape: StageShape) -> tuple[int, ...]:
        """The group counts that the host's shuffle may have beside it."""
        return (shape.groups,)

    def applies(self, values: StageValues, shape: StageShape, ranks: KroneckerRanks) -> bool:
        """Whether these decisions change anything of a stage; else it is dense."""
        return True

    def resolved(self, settings: Settings, values: StageValues, shape: StageShape) -> dict[str, Scalar]:
        """Its decisions, those that mean the same made one."""
        return {name: values.raw(name) for name in self.decisions(settings)}

    def host_groups(self, own: Mapping[str, Scalar], shape: StageShape) -> int:
        """Groups of the host's shuffle beside it, given its resolved decisions."""
        return shape.groups

    def layers(self, shape: StageShape, ranks: KroneckerRanks) -> tuple[Layer, ...]:
        """The convolutions in whose place Kronecker shuffles stand."""
        return ()

    @abstractmethod
    def convolutions(self, values: StageValues, shape: StageShape, ranks: KroneckerRanks) -> Convolutions:
        """What a candidate of any origin builds into a stage.

        Raises:
            SpaceError: A decision is missing, or does not fit.
        """

    def title(self, decisions: Mapping[str, Scalar]) -> str:
        """What a stage's convolutions are, in a few words, given its resolved decisions."""
        return f"{self.name.replace('_', '-')} convolutions"

    def words(self, decisions: Mapping[str, Scalar]) -> list[str]:
        """What is decided on them, each in a few words; decisions that no words are found for are told by name."""
        return []

    def short(self, decisions: Mapping[str, Scalar]) -> str:
        """As the short line of a network has it."""
        return self.name.replace("_", "-")

    @property
    def told_decisions(self) -> frozenset[str]:
        """Names of the decisions that title and words tell."""
        return frozenset()


def counted(count: Any, noun: str) -> str:
    """A number of things in words."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
