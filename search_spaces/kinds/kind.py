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
"""The dataclass of settings that a kind adds to those of a space; `Any` if it adds none."""


class Convolutions(ABC):
    """The convolutions of one stage as a candidate's decisions make them, after these were checked."""

    @abstractmethod
    def build(self, host: Host, stage: int) -> None:
        """Puts the convolutions into a stage of the host, counted from 0."""

    @property
    def factors(self) -> tuple[KroneckerShape, ...]:
        """The factors of the Kronecker shuffles among them."""
        return ()


class Unchanged(Convolutions):
    """The host's own convolutions."""

    def build(self, host: Host, stage: int) -> None:
        """Leaves the host unchanged."""


class Kind(ABC, Generic[Settings]):
    """One kind of convolutions: its decisions, their meaning, and how it is described and drawn.

    A kind has no state. Its settings are a frozen dataclass, from which the settings of every space that offers it inherit;
    methods are passed those of the space. All of this is in its one file, and `KINDS` enrolls it.
    """

    name: ClassVar[str]
    """Its name in settings and candidates."""
    style: ClassVar[KindStyle]
    """Its name and look in a report."""
    told: ClassVar[bool] = True
    """Whether reports classify a stage by this kind. If not, they classify it by its mixer, unless that is the unchanged one."""
    drawing: ClassVar[str] = "plain"
    """How a unit is drawn; see `nas.portrait.Part`."""
    mixes: ClassVar[bool] = False
    """Whether there is a mixer between its convolutions in hosts that have no mixers of their own."""
    factored: ClassVar[bool] = False
    """Whether Kronecker shuffles replace convolutions; they then share the decisions of generated mixers."""
    learned: ClassVar[bool] = False
    """Whether its permutations are learned like those of mixers."""
    converts: ClassVar[bool] = False
    """Whether it converts a finished stage, including mixers, without drawing weights. Other kinds are built first, one after
    the other.
    """

    def faults(self, settings: Settings) -> list[str]:
        """What is wrong with its settings, one sentence for each fault."""
        return []

    def with_defaults(self, settings: Settings) -> Settings:
        """The settings with defaults filled in."""
        return settings

    def decisions(self, settings: Settings) -> Mapping[str, tuple[Scalar, ...]]:
        """The decisions on a stage of this kind only: choices by name. No other kind has decisions of these names."""
        return {}

    def training(self, settings: Settings) -> Mapping[str, tuple[float, float]]:
        """The decisions on the training if a stage is of this kind: ranges on a log scale, by name."""
        return {}

    def misfits(self, settings: Settings, stage: int, shape: StageShape) -> list[str]:
        """Why none of its choices fits a stage, counted from 1; empty if one fits."""
        return []

    def mixer_groups(self, settings: Settings, shape: StageShape) -> tuple[int, ...]:
        """The group counts that the host's shuffle may have together with this kind."""
        return (shape.groups,)

    def applies(self, values: StageValues, shape: StageShape, ranks: KroneckerRanks) -> bool:
        """Whether these decisions change anything in a stage; if not, the stage is dense."""
        return True

    def resolved(self, settings: Settings, values: StageValues, shape: StageShape) -> dict[str, Scalar]:
        """Its decisions, with choices of equal meaning made equal."""
        return {name: values.raw(name) for name in self.decisions(settings)}

    def host_groups(self, own: Mapping[str, Scalar], shape: StageShape) -> int:
        """Number of groups of the host's shuffle beside it, given its resolved decisions."""
        return shape.groups

    def layers(self, shape: StageShape, ranks: KroneckerRanks) -> tuple[Layer, ...]:
        """The convolutions that Kronecker shuffles replace."""
        return ()

    @abstractmethod
    def convolutions(self, values: StageValues, shape: StageShape, ranks: KroneckerRanks) -> Convolutions:
        """What a candidate of any origin builds into a stage.

        Raises:
            SpaceError: A decision is missing, or does not fit.
        """

    def title(self, decisions: Mapping[str, Scalar]) -> str:
        """A few words for a stage's convolutions, given its resolved decisions."""
        return f"{self.name.replace('_', '-')} convolutions"

    def words(self, decisions: Mapping[str, Scalar]) -> list[str]:
        """The decisions on the convolutions, each in a few words. Decisions that are not mentioned are listed by name."""
        return []

    def short(self, decisions: Mapping[str, Scalar]) -> str:
        """The words for the convolutions in the short line that describes a network."""
        return self.name.replace("_", "-")

    @property
    def told_decisions(self) -> frozenset[str]:
        """Names of the decisions that `title` and `words` mention."""
        return frozenset()


def counted(count: Any, noun: str) -> str:
    """A number of things in words."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
