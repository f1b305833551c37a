"""The space of ShuffleNetV1 networks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from nas.candidate import Candidate
from nas.dimensions import Choice, Scalar
from nas.errors import SpaceError
from nas.values.json_fields import shown
from search_spaces.architecture import HostShape, StageShape, integer, number
from search_spaces.settings import ShuffleSettings
from search_spaces.shuffle_space import MOST_BASELINES, ShuffleSpace, spread
from search_spaces.value_faults import WIDEST, is_multiple, is_number, items_of

if TYPE_CHECKING:
    from search_spaces.hosts.host import Host

PUBLISHED_CHANNELS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}
"""Number of outputs of the first stage of the 1x network, by groups of its 1x1 convolutions (table 1 of the paper)."""
PUBLISHED_WIDTHS = (0.5, 1.0, 1.5, 2.0)
PUBLISHED_GROUPS = (2, 3, 4, 8)
USUAL_GROUPS = 3
STEM_CHANNELS = 24


def first_stage_channels(width: float, groups: int) -> int:
    """Channels of the first stage at a multiple of the published 1x width, rounded (half up) to a multiple of 4 groups."""
    step = 4 * groups
    return step * max(1, math.floor(PUBLISHED_CHANNELS[groups] * width / step + 0.5))


@dataclass(frozen=True, kw_only=True)
class ShuffleNetV1Settings(ShuffleSettings):
    """Settings of the space of ShuffleNetV1 networks."""

    published_units = (4, 8, 4)

    name: str = "shufflenet_v1"
    widths: tuple[float, ...] | None = None
    """Widths to choose from, as multiples of the published width. Default: the published ones, [0.5, 1, 1.5, 2]."""
    units: tuple[tuple[int, ...], ...] | None = None
    """For each stage, the numbers of units to choose from. Default: the published ones, [[4], [8], [4]]."""
    conv_groups: tuple[int, ...] | None = None
    """Numbers of groups of all 1x1 convolutions to choose from (1, 2, 3, 4, 8). Default: [2, 3, 4, 8]."""

    def host_faults(self) -> list[str]:
        """Groups without a published width, and widths that are not positive or are narrower than the stem."""
        widths = self.widths if self.widths is not None else PUBLISHED_WIDTHS
        groups = self.conv_groups if self.conv_groups is not None else PUBLISHED_GROUPS
        found: list[str] = []
        for name, values in (("space.widths", widths), ("space.conv_groups", groups)):
            if items_of(values) is None or not values:
                return [*found, f"{name} = {values!r} must be a list of at least one value"]
            found += [f"{name} = {values!r} holds {value!r} twice" for value in values if values.count(value) > 1][:1]
        wrong: list[float] = [width for width in widths if not is_multiple(width)]
        if wrong:
            found.append(
                f"space.widths holds {', '.join(map(shown, wrong))}; allowed: multiples above 0 and up to {WIDEST}, 1 being 1x"
            )
        wrong = [count for count in groups if not is_number(count, whole=True) or count not in PUBLISHED_CHANNELS]
        if wrong:
            allowed = ", ".join(map(str, PUBLISHED_CHANNELS))
            found.append(f"space.conv_groups holds {', '.join(map(shown, wrong))}; allowed: {allowed}")
        if not found:
            found += [
                f"space.widths: {width} with conv_groups {count} gives a first stage of "
                f"{first_stage_channels(width, count)} channels; it must be wider than the stem's {STEM_CHANNELS}"
                for width, count in itertools.product(widths, groups)
                if first_stage_channels(width, count) <= STEM_CHANNELS
            ]
        return found

    def with_host_defaults(self) -> Self:
        """The settings with the published widths and groups where none are given."""
        widths = self.widths if self.widths is not None else PUBLISHED_WIDTHS
        groups = self.conv_groups if self.conv_groups is not None else PUBLISHED_GROUPS
        return replace(self, widths=tuple(map(float, widths)), conv_groups=tuple(groups))


class ShuffleNetV1Space(ShuffleSpace):
    """The mixer is between the first 1x1 group convolution and the depthwise one, over a fourth of a unit's outputs.

    `width` is a multiple of the published 1x network, `conv_groups` the groups of the 1x1 convolutions and of the host's shuffle.

    Source: Zhang et al., ShuffleNet, arXiv 1707.01083.
    """

    name = "shufflenet_v1"
    title = "ShuffleNet V1"
    settings_class = ShuffleNetV1Settings
    _settings: ShuffleNetV1Settings
    always_mixes = True

    def host_dimensions(self) -> tuple[Choice, ...]:
        """The decisions on width and groups."""
        return (Choice(name="width", choices=self._widths), Choice(name="conv_groups", choices=self._groups_offered))

    def canonical_host(self, decisions: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """The host decisions with the smallest of the widths that round to the same channels."""
        channels = self.shape(decisions).stage_channels[0]
        groups = integer(decisions, "conv_groups")
        width = min(width for width in self._widths if first_stage_channels(width, groups) == channels)
        return {"width": width, "conv_groups": groups}

    def host_shape(self, decisions: Mapping[str, Scalar], units: tuple[int, ...]) -> HostShape:
        """Sizes of the host; see `ShuffleSpace.host_shape`."""
        groups = integer(decisions, "conv_groups")
        if groups not in PUBLISHED_CHANNELS:
            allowed = ", ".join(map(str, PUBLISHED_CHANNELS))
            raise SpaceError(f"candidate: conv_groups = {groups}; allowed: {allowed}")
        first = first_stage_channels(number(decisions, "width"), groups)
        channels = (first, 2 * first, 4 * first)
        stages = tuple(StageShape(mixed=(c // 4,), convolutions=(), groups=groups) for c in channels)
        return HostShape(stage_channels=channels, stages=stages)

    def make_host(self, candidate: Candidate, units: tuple[int, ...]) -> Host:
        """Makes the unchanged network of this width and with these groups."""
        from search_spaces.hosts.shufflenet_v1 import shufflenet_v1

        shape = self.shape(candidate.architecture)
        return shufflenet_v1(
            stage_channels=shape.stage_channels,
            units=units,
            groups=integer(candidate.architecture, "conv_groups"),
            form=self._settings.form,
            stem_kernel=self._settings.stem_kernel,
            channels=self._image["channels"],
            classes=self._image["classes"],
        )

    def baseline_hosts(self, units: tuple[int, ...]) -> dict[str, dict[str, Scalar]]:
        """Every width with every group count if these are few, else up to four widths with the usual group count."""
        widths, groups = self._widths, self._groups_offered
        if len(widths) * len(groups) > MOST_BASELINES:
            widths = spread(widths)
            groups = (USUAL_GROUPS if USUAL_GROUPS in groups else groups[0],)
        return {
            f"ShuffleNetV1 {width:g}x (g={count})": {"width": width, "conv_groups": count}
            for width, count in itertools.product(widths, groups)
        }

    @property
    def _widths(self) -> tuple[float, ...]:
        return tuple(self._settings.widths or ())

    @property
    def _groups_offered(self) -> tuple[int, ...]:
        return tuple(self._settings.conv_groups or ())
