"""The space of CIFAR ResNets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nas.candidate import Candidate
from nas.dimensions import Choice, Scalar
from search_spaces.architecture import HostShape, StageShape, named, number
from search_spaces.kinds import EveryKindSettings
from search_spaces.scaled_space import ScaledSettings, ScaledSpace
from search_spaces.value_faults import names_faults

if TYPE_CHECKING:
    from search_spaces.hosts.host import Host

PUBLISHED_CHANNELS = 16
STEM_CHANNELS = 16
EXPANSION = 4
LAYERS = {"basic": 2, "bottleneck": 3}
"""Number of layers of a unit."""


def first_channels(width: float) -> int:
    """Channels of the first stage's 3x3 convolutions: 16 times the width, rounded (half up) to a multiple of 4, at least 4."""
    return 4 * max(1, math.floor(PUBLISHED_CHANNELS * width / 4 + 0.5))


def bottleneck_shape(inputs: int, bottlenecks: Sequence[int], units: Sequence[int]) -> HostShape:
    """Shape of stages of bottleneck units, of which the two 1x1 convolutions may be grouped or shuffled."""
    stages = []
    for bottleneck, count in zip(bottlenecks, units, strict=True):
        outputs = EXPANSION * bottleneck
        pairs = [(inputs, bottleneck), (bottleneck, outputs), *([(outputs, bottleneck)] if count > 1 else [])]
        shape = StageShape(mixed=(bottleneck,), convolutions=tuple(sorted(set(pairs))), filters=(bottleneck, outputs))
        stages.append(shape)
        inputs = outputs
    return HostShape(stage_channels=tuple(EXPANSION * each for each in bottlenecks), stages=tuple(stages))


@dataclass(frozen=True, kw_only=True)
class ResNetCifarSettings(EveryKindSettings, ScaledSettings):
    """Settings of the space of CIFAR ResNets."""

    published_units = (3, 3, 3)
    usual_widths = (0.25, 0.5, 1.0)
    sizes_of_images = "8 to 64 pixels"

    name: str = "resnet_cifar"
    widths: tuple[float, ...] | None = None
    """Widths to choose from, as multiples of the published width. Default: [0.25, 0.5, 1]."""
    units: tuple[tuple[int, ...], ...] | None = None
    """For each stage, the numbers of units to choose from. Default: [[3], [3], [3]], which is 20 layers of basic units or 29 of
    bottlenecks.
    """
    residual_units: tuple[str, ...] = ("basic", "bottleneck")
    """Residual units to choose from, for the whole network: basic (two 3x3 convolutions, as in ResNet-20 and 56), bottleneck
    (1x1, 3x3, 1x1).
    """

    def host_faults(self) -> list[str]:
        """Unknown residual units, and everything that the common settings refuse."""
        return [
            *names_faults("space.residual_units", "residual unit", self.residual_units, tuple(LAYERS)),
            *super().host_faults(),
        ]


class ResNetCifarSpace(ScaledSpace):
    """16, 32 and 64 channels times `width`, with 6 n + 2 layers of basic units or 9 n + 2 of bottlenecks for n units per stage.

    The two 3x3 convolutions of each basic unit, or the two 1x1 convolutions of each bottleneck, may be grouped or replaced
    by static-dynamic shuffles; the mixer of a grouped stage is after the first of them. Filters are rebuilt and groups
    learned in every convolution of a stage, including projections at shortcuts.

    Source: He et al., arXiv 1512.03385; see `hosts.resnet_basic` and `hosts.resnet_cifar`.
    """

    name = "resnet_cifar"
    title = "CIFAR ResNet"
    settings_class = ResNetCifarSettings
    _settings: ResNetCifarSettings

    def host_dimensions(self) -> tuple[Choice, ...]:
        """The decisions on the width and on the residual units."""
        return (*super().host_dimensions(), Choice(name="unit", choices=self._settings.residual_units))

    def channels(self, width: float) -> int:
        """Number of channels of the first stage."""
        return first_channels(width)

    def host_shape(self, decisions: Mapping[str, Scalar], units: tuple[int, ...]) -> HostShape:
        """Sizes of the host; see `ShuffleSpace.host_shape`."""
        first = first_channels(number(decisions, "width"))
        channels = (first, 2 * first, 4 * first)
        if self._unit(decisions) == "bottleneck":
            return bottleneck_shape(STEM_CHANNELS, channels, units)
        inputs = first
        stages = []
        for outputs in channels:
            pairs = tuple(sorted({(inputs, outputs), (outputs, outputs)}))
            stages.append(StageShape(mixed=(outputs,), convolutions=pairs, filters=(outputs,)))
            inputs = outputs
        return HostShape(stage_channels=channels, stages=tuple(stages))

    def make_host(self, candidate: Candidate, units: tuple[int, ...]) -> Host:
        """Makes the unchanged network of this width."""
        from search_spaces.hosts.resnet_basic import resnet_basic
        from search_spaces.hosts.resnet_cifar import resnet_cifar

        first = first_channels(number(candidate.architecture, "width"))
        channels = (first, 2 * first, 4 * first)
        image = {
            "stem_kernel": self._settings.stem_kernel,
            "channels": self._image["channels"],
            "classes": self._image["classes"],
        }
        if self._unit(candidate.architecture) == "bottleneck":
            return resnet_cifar(bottlenecks=channels, units=units, **image)
        return resnet_basic(stage_channels=channels, units=units, **image)

    def host_name(self, units: tuple[int, ...], decisions: Mapping[str, Scalar]) -> str:
        """ResNet with its number of layers and its width, in words."""
        return f"ResNet-{LAYERS[self._unit(decisions)] * sum(units) + 2} {decisions['width']:g}x"

    def _unit(self, decisions: Mapping[str, Scalar]) -> str:
        return named(decisions, "unit", tuple(LAYERS))
