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
    """grouped: groups of the stage's convolutions, default [2, 4, 8]; one that does not divide a stage's channels means the next
    lower one that does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedConvolutions(Convolutions):
    """So many groups in each convolution that may be grouped."""

    groups: int

    def build(self, host: Host, stage: int) -> None:
        """Puts grouped convolutions of the same kernel and stride in the place of dense ones."""
        from search_spaces.hosts.stem import like

        if self.groups > 1:
            host.replace_convolutions(stage, partial(like, groups=self.groups))


class Grouped(Kind[GroupedSettings]):
    """Convolutions in groups; a group count of a stage is chosen by what divides its channels."""

    name = "grouped"
    style = KindStyle(name="grouped", label="grouped, fixed shuffle")
    told = False
    drawing = "slices"
    mixes = True

    def faults(self, settings: GroupedSettings) -> list[str]:
        """Groups that are no integers of 2 or more."""
        if settings.conv_groups is None:
            return []
        return numbers_faults("space.conv_groups", settings.conv_groups, whole=True, low=2, high=MOST_CHANNELS)

    def with_defaults(self, settings: GroupedSettings) -> GroupedSettings:
        """The usual groups where none are given."""
        return replace(settings, conv_groups=_offered(settings))

    def decisions(self, settings: GroupedSettings) -> Mapping[str, tuple[Scalar, ...]]:
        """The group count."""
        return {"conv_groups": _offered(settings)}

    def misfits(self, settings: GroupedSettings, stage: int, shape: StageShape) -> list[str]:
        """No group count divides every channel count of the convolutions."""
        if self.mixer_groups(settings, shape):
            return []
        return [
            f"none of space.conv_groups = {', '.join(map(str, _offered(settings)))} divides the channels of the "
            f"convolutions in stage {stage}; change that width, or leave grouped out of space.convolutions"
        ]

    def mixer_groups(self, settings: GroupedSettings, shape: StageShape) -> tuple[int, ...]:
        """Those that divide every channel count of the convolutions."""
        channels = [c for pair in shape.convolutions for c in pair]
        return tuple(groups for groups in _offered(settings) if all(c % groups == 0 for c in channels))

    def resolved(self, settings: GroupedSettings, values: StageValues, shape: StageShape) -> dict[str, Scalar]:
        """The wanted group count, else the next lower one that divides every channel count, else the lowest that does."""
        fitting, wanted = self.mixer_groups(settings, shape), values.integer("conv_groups")
        return {"conv_groups": max((groups for groups in fitting if groups <= wanted), default=min(fitting))}

    def host_groups(self, own: Mapping[str, Scalar], shape: StageShape) -> int:
        """As many as the convolutions have."""
        groups = own["conv_groups"]
        return groups if isinstance(groups, int) and groups > 1 else shape.groups

    def convolutions(self, values: StageValues, shape: StageShape, ranks: KroneckerRanks) -> GroupedConvolutions:
        """Of a group count that divides the stage's channels."""
        groups = values.integer("conv_groups")
        wrong = sorted({c for pair in shape.convolutions for c in pair if c % groups})
        if wrong:
            raise SpaceError(
                f"candidate: {values.full_name('conv_groups')} = {groups} does not divide the "
                f"{', '.join(map(str, wrong))} channels of its convolutions"
            )
        return GroupedConvolutions(groups=groups)

    def title(self, decisions: Mapping[str, Scalar]) -> str:
        """With the group count."""
        if "conv_groups" in decisions:
            return f"convolutions in {decisions['conv_groups']} groups"
        return "grouped convolutions"

    def short(self, decisions: Mapping[str, Scalar]) -> str:
        """With the group count."""
        return f"grouped/{decisions['conv_groups']}" if "conv_groups" in decisions else "grouped"

    @property
    def told_decisions(self) -> frozenset[str]:
        """The group count, in the title."""
        return frozenset({"conv_groups"})


def _offered(settings: GroupedSettings) -> tuple[int, ...]:
    return USUAL_GROUPS if settings.conv_groups is None else tuple(settings.conv_groups)
