"""Grouped convolutions, with a channel mixer between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from nas.dimensions import Scalar
from nas.errors import SpaceError
from nas.portrait import KindStyle
from search_spaces.architecture import StageShape, StageValues
from search_spaces.kinds.kind import Convolutions, Kind
from search_spaces.ranks import KroneckerRanks
from search_spaces.value_faults import MOST_CHANNELS, numbers_faults

if TYPE_CHECKING:
    from search_spaces.hosts.host import Host

USUAL_GROUPS = (2, 4, 8)


@dataclass(frozen=True, kw_only=True)
class GroupedSettings:
    """Settings of grouped convolutions."""

    conv_groups: tuple[int, ...] | None = None
    """grouped: numbers of groups of the stage's convolutions to choose from, default [2, 4, 8]. If one does not divide a
    stage's channels, the next lower one that does is used.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedConvolutions(Convolutions):
    """Grouped convolutions with a given number of groups."""

    groups: int

    def build(self, host: Host, stage: int) -> None:
        """Replaces dense convolutions by grouped ones with the same kernel and stride."""
        from search_spaces.hosts.stem import like

        if self.groups > 1:
            host.replace_convolutions(stage, partial(like, groups=self.groups))


class Grouped(Kind[GroupedSettings]):
    """Convolutions in groups, whose number is chosen among those that divide the stage's channels."""

    name = "grouped"
    style = KindStyle(name="grouped", label="grouped, fixed shuffle")
    told = False
    drawing = "slices"
    mixes = True

    def faults(self, settings: GroupedSettings) -> list[str]:
        """Group counts that are not integers of at least 2."""
        if settings.conv_groups is None:
            return []
        return numbers_faults("space.conv_groups", settings.conv_groups, whole=True, low=2, high=MOST_CHANNELS)

    def with_defaults(self, settings: GroupedSettings) -> GroupedSettings:
        """The settings with the usual group counts if none are given."""
        return replace(settings, conv_groups=_offered(settings))

    def decisions(self, settings: GroupedSettings) -> Mapping[str, tuple[Scalar, ...]]:
        """The decision on the group count."""
        return {"conv_groups": _offered(settings)}

    def misfits(self, settings: GroupedSettings, stage: int, shape: StageShape) -> list[str]:
        """Says if no group count divides every channel count of the convolutions."""
        if self.mixer_groups(settings, shape):
            return []
        return [
            f"none of space.conv_groups = {', '.join(map(str, _offered(settings)))} divides the channels of the "
            f"convolutions in stage {stage}; change that width, or leave grouped out of space.convolutions"
        ]

    def mixer_groups(self, settings: GroupedSettings, shape: StageShape) -> tuple[int, ...]:
        """The group counts that divide every channel count of the convolutions."""
        channels = [c for pair in shape.convolutions for c in pair]
        return tuple(groups for groups in _offered(settings) if all(c % groups == 0 for c in channels))

    def resolved(self, settings: GroupedSettings, values: StageValues, shape: StageShape) -> dict[str, Scalar]:
        """The wanted group count, else the next lower one that divides every channel count, else the lowest that does."""
        fitting, wanted = self.mixer_groups(settings, shape), values.integer("conv_groups")
        return {"conv_groups": max((groups for groups in fitting if groups <= wanted), default=min(fitting))}

    def host_groups(self, own: Mapping[str, Scalar], shape: StageShape) -> int:
        """The group count of the convolutions."""
        groups = own["conv_groups"]
        return groups if isinstance(groups, int) and groups > 1 else shape.groups

    def convolutions(self, values: StageValues, shape: StageShape, ranks: KroneckerRanks) -> GroupedConvolutions:
        """Grouped convolutions with a group count that divides the stage's channels."""
        groups = values.integer("conv_groups")
        wrong = sorted({c for pair in shape.convolutions for c in pair if c % groups})
        if wrong:
            raise SpaceError(
                f"candidate: {values.full_name('conv_groups')} = {groups} does not divide the "
                f"{', '.join(map(str, wrong))} channels of its convolutions"
            )
        return GroupedConvolutions(groups=groups)

    def title(self, decisions: Mapping[str, Scalar]) -> str:
        """The kind, with its group count."""
        if "conv_groups" in decisions:
            return f"convolutions in {decisions['conv_groups']} groups"
        return "grouped convolutions"

    def short(self, decisions: Mapping[str, Scalar]) -> str:
        """The kind, with its group count."""
        return f"grouped/{decisions['conv_groups']}" if "conv_groups" in decisions else "grouped"

    @property
    def told_decisions(self) -> frozenset[str]:
        """The group count, which is in the title."""
        return frozenset({"conv_groups"})


def _offered(settings: GroupedSettings) -> tuple[int, ...]:
    return USUAL_GROUPS if settings.conv_groups is None else tuple(settings.conv_groups)
