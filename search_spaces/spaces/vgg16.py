"""The space of VGG networks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nas.candidate import Candidate
from nas.dimensions import Scalar
from search_spaces.architecture import HostShape, StageShape, number
from search_spaces.kinds import EveryKindSettings
from search_spaces.scaled_space import ScaledSettings, ScaledSpace

if TYPE_CHECKING:
    from search_spaces.hosts.host import Host

PUBLISHED_CHANNELS = (64, 128, 256, 512, 512)


def stage_channels(width: float) -> tuple[int, ...]:
    """Published channels times the width, each rounded (half up) to a multiple of 8, at least 8."""
    return tuple(8 * max(1, math.floor(channels * width / 8 + 0.5)) for channels in PUBLISHED_CHANNELS)


@dataclass(frozen=True, kw_only=True)
class VGG16Settings(EveryKindSettings, ScaledSettings):
    """Settings of the space of VGG networks."""

    published_units = (1, 2, 3, 3, 3)
    usual_widths = (0.25, 0.5, 1.0)
    sizes_of_images = "8 to 64 pixels"

    name: str = "vgg16"
    widths: tuple[float, ...] | None = None
    """Widths to choose from, as multiples of the published width. Default: [0.25, 0.5, 1]."""
    units: tuple[tuple[int, ...], ...] | None = None
    """For each stage, the numbers of convolutions to choose from; the very first convolution is the stem and does not count.
    Default: the published ones, [[1], [2], [3], [3], [3]].
    """


class VGG16Space(ScaledSpace):
    """Five stages of 3x3 convolutions of 64 to 512 channels times `width`; with 1, 2, 3, 3 and 3 behind the stem this is VGG16.

    All convolutions except the first, which is the stem, may be grouped, replaced by static-dynamic shuffles behind a
    depthwise convolution, rebuilt, or learn groups; the mixer of a grouped stage is after each of its convolutions.

    Source: Simonyan and Zisserman, arXiv 1409.1556; see `hosts.vgg16`.
    """

    name = "vgg16"
    title = "VGG16"
    settings_class = VGG16Settings
    _settings: VGG16Settings

    def channels(self, width: float) -> tuple[int, ...]:
        """Numbers of channels of the stages."""
        return stage_channels(width)

    def host_shape(self, decisions: Mapping[str, Scalar], units: tuple[int, ...]) -> HostShape:
        """Sizes of the host; see `ShuffleSpace.host_shape`."""
        channels = stage_channels(number(decisions, "width"))
        inputs = channels[0]
        stages = []
        for outputs, count in zip(channels, units, strict=True):
            pairs = {(inputs, outputs), *([(outputs, outputs)] if count > 1 else [])}
            stages.append(StageShape(mixed=(outputs,), convolutions=tuple(sorted(pairs)), filters=(outputs,)))
            inputs = outputs
        return HostShape(stage_channels=channels, stages=tuple(stages))

    def make_host(self, candidate: Candidate, units: tuple[int, ...]) -> Host:
        """Makes the unchanged network of this width."""
        from search_spaces.hosts.vgg16 import vgg16

        channels = stage_channels(number(candidate.architecture, "width"))
        return vgg16(
            stem_channels=channels[0],
            stages=[(each,) * count for each, count in zip(channels, units, strict=True)],
            stem_kernel=self._settings.stem_kernel,
            channels=self._image["channels"],
            classes=self._image["classes"],
        )

    def host_name(self, units: tuple[int, ...], decisions: Mapping[str, Scalar]) -> str:
        """VGG16, whose name counts three fully connected layers (here it has one), or a VGG named by its convolutions."""
        host = "VGG16" if units == self._settings.published_units else f"VGG of {sum(units) + 1} convolutions"
        return f"{host} {decisions['width']:g}x"
