"""The space of ResNets with bottleneck units in four stages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nas.candidate import Candidate
from nas.dimensions import Scalar
from search_spaces.architecture import HostShape, number
from search_spaces.kinds import EveryKindSettings
from search_spaces.scaled_space import ScaledSettings, ScaledSpace
from search_spaces.spaces.resnet_cifar import bottleneck_shape

if TYPE_CHECKING:
    from search_spaces.hosts.host import Host

PUBLISHED_CHANNELS = 64
STAGES = 4


def first_channels(width: float) -> int:
    """Channels of the stem and of the first 3x3 convolutions: 64 times the width, rounded half up to multiples of 8, at least 8."""
    return 8 * max(1, math.floor(PUBLISHED_CHANNELS * width / 8 + 0.5))


@dataclass(frozen=True, kw_only=True)
class ResNet50Settings(EveryKindSettings, ScaledSettings):
    """Settings of the space of ResNets in four stages."""

    published_units = (3, 4, 6, 3)
    usual_widths = (0.25, 0.5, 1.0)

    name: str = "resnet50"
    widths: tuple[float, ...] | None = None
    """Widths to choose from, as multiples of the published width. Default: [0.25, 0.5, 1]."""
    units: tuple[tuple[int, ...], ...] | None = None
    """For each stage, the numbers of units to choose from. Default: the published ones, [[3], [4], [6], [3]]."""


class ResNet50Space(ScaledSpace):
    """Bottlenecks of 64, 128, 256 and 512 channels times `width`; with 3, 4, 6 and 3 units this is ResNet-50.

    The convolutions that may be of another kind are those of the bottlenecks of `resnet_cifar`.

    Source: He et al., arXiv 1512.03385, table 1; see `hosts.resnet50`.
    """

    name = "resnet50"
    title = "ResNet-50"
    settings_class = ResNet50Settings
    _settings: ResNet50Settings

    def channels(self, width: float) -> int:
        """Number of channels of the first stage."""
        return first_channels(width)

    def host_shape(self, decisions: Mapping[str, Scalar], units: tuple[int, ...]) -> HostShape:
        """Sizes of the host; see `ShuffleSpace.host_shape`."""
        first = first_channels(number(decisions, "width"))
        return bottleneck_shape(first, [first << stage for stage in range(STAGES)], units)

    def make_host(self, candidate: Candidate, units: tuple[int, ...]) -> Host:
        """Makes the unchanged network of this width."""
        from search_spaces.hosts.resnet50 import resnet50

        first = first_channels(number(candidate.architecture, "width"))
        return resnet50(
            stem_channels=first,
            bottlenecks=tuple(first << stage for stage in range(STAGES)),
            units=units,
            form=self._settings.form,
            stem_kernel=self._settings.stem_kernel,
            channels=self._image["channels"],
            classes=self._image["classes"],
        )

    def host_name(self, units: tuple[int, ...], decisions: Mapping[str, Scalar]) -> str:
        """ResNet with its number of layers and its width, in words."""
        return f"ResNet-{3 * sum(units) + 2} {decisions['width']:g}x"
