"""Convolutions that learn groups and the order of their channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nas.dimensions import Scalar
from nas.errors import SpaceError
from nas.portrait import KindStyle
from search_spaces.architecture import StageShape, StageValues, number
from search_spaces.kinds.kind import Convolutions, Kind
from search_spaces.ranks import KroneckerRanks
from search_spaces.value_faults import MOST_CHANNELS, log_range_faults, numbers_faults

if TYPE_CHECKING:
    from search_spaces.hosts.host import Host


@dataclass(frozen=True, kw_only=True)
class LearnedGroupsSettings:
    """Settings of convolutions that learn groups."""

    learned_groups: tuple[int, ...] = (2, 4, 8)
    """learned_groups: factors by which the stage's multiply-adds are to be reduced, to choose from. Each convolution finds its
    own number of groups.
    """
    sparsity_step: tuple[float, float] = (1e-4, 1e-2)
    """learned_groups: range [low, high] of the step by which the penalty's weight changes per epoch, searched on a log scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedGroupConvolutions(Convolutions):
    """How the convolutions of a stage learn groups."""

    groups: int
    """The target: the number of groups that would reduce the multiply-adds as much if all convolutions had it."""
    step: float
    """Step by which the weight of the penalty changes per epoch."""

    def build(self, host: Host, stage: int) -> None:
        """Converts every dense convolution of the stage."""
        from search_spaces.grouping.conversion import learn_groups

        learn_groups(host, target=1 - 1 / self.groups, step=self.step, stages=(stage,))


class LearnedGroups(Kind[LearnedGroupsSettings]):
    """Convolutions whose weights are pulled, in training, to groups of channels that it finds and reorders."""

    name = "learned_groups"
    style = KindStyle(
        name="learned_groups",
        label="learned groups",
        shape="cross",
        meaning="Convolutions in groups, where training decides how many groups there are and which channels belong to which.",
    )
    drawing = "steps"
    converts = True

    def faults(self, settings: LearnedGroupsSettings) -> list[str]:
        """Targets below 2, and invalid ranges of steps."""
        return [
            *numbers_faults("space.learned_groups", settings.learned_groups, whole=True, low=2, high=MOST_CHANNELS),
            *log_range_faults("space.sparsity_step", settings.sparsity_step, positive=True),
        ]

    def decisions(self, settings: LearnedGroupsSettings) -> Mapping[str, tuple[Scalar, ...]]:
        """The decision on the target."""
        return {"learned_groups": settings.learned_groups}

    def training(self, settings: LearnedGroupsSettings) -> Mapping[str, tuple[float, float]]:
        """The range of the step of the penalty's weight."""
        return {"sparsity_step": settings.sparsity_step}

    def convolutions(self, values: StageValues, shape: StageShape, ranks: KroneckerRanks) -> LearnedGroupConvolutions:
        """Convolutions that learn groups, with a target of 2 groups or more."""
        groups = values.integer("learned_groups")
        if groups < 2:
            raise SpaceError(f"candidate: {values.full_name('learned_groups')} = {groups} must be at least 2")
        return LearnedGroupConvolutions(groups=groups, step=number(values.training, "sparsity_step"))

    def title(self, decisions: Mapping[str, Scalar]) -> str:
        """A title that says what is learned."""
        return "learned groups and shuffles"

    def words(self, decisions: Mapping[str, Scalar]) -> list[str]:
        """The target, in words."""
        if "learned_groups" not in decisions:
            return []
        return [f"{decisions['learned_groups']} times fewer multiply-adds aimed at"]

    def short(self, decisions: Mapping[str, Scalar]) -> str:
        """The kind, with its target."""
        groups = f"/{decisions['learned_groups']}" if "learned_groups" in decisions else ""
        return f"learned-groups{groups}"

    @property
    def told_decisions(self) -> frozenset[str]:
        """The target, which is in the words."""
        return frozenset({"learned_groups"})
