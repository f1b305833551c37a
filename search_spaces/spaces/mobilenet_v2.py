"""The space of MobileNetV2 networks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nas.candidate import Candidate
from nas.dimensions import Scalar
from search_spaces.architecture import HostShape, StageShape, number
from search_spaces.kinds.grouped import GroupedSettings
from search_spaces.scaled_space import ScaledSettings, ScaledSpace

if TYPE_CHECKING:
    from search_spaces.hosts.host import Host

EXPANSION = 6
STEM_CHANNELS = 32
FIRST_ROW_CHANNELS = 16
FEATURES = 1280
ROWS = (((24, 2),), ((32, 3),), ((64, 4), (96, 3)), ((160, 3), (320, 1)))
"""Channels and units of the rows of the published table, grouped by resolution; the first row belongs to the stem."""


def rounded(channels: float) -> int:
    """The nearest multiple of 8 (halves up) that is at least 8 and at most a tenth below the number.

    Source: `_make_divisible` of the authors' code, tensorflow/models, research/slim/nets/mobilenet.
    """
    nearest = max(8, math.floor(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8


def unit_channels(width: float, stage: int, units: int) -> tuple[int, ...]:
    """Number of outputs of each unit of a stage, counted from 0.

    In a stage of two rows, the last row has its published share of the units, rounded (half up), and at least one.
    """
    rows = ROWS[stage]
    if len(rows) == 1:
        return (rounded(rows[0][0] * width),) * units
    (first, first_units), (last, last_units) = rows
    lasting = max(1, math.floor(units * last_units / (first_units + last_units) + 0.5))
    return (rounded(first * width),) * (units - lasting) + (rounded(last * width),) * lasting


@dataclass(frozen=True, kw_only=True)
class MobileNetV2Settings(GroupedSettings, ScaledSettings):
    """Settings of the space of MobileNetV2 networks."""

    published_units = (2, 3, 7, 4)
    usual_widths = (0.25, 0.5, 0.75, 1.0)
    offered_kinds = ("dense", "grouped", "static_dynamic")

    name: str = "mobilenet_v2"
    widths: tuple[float, ...] | None = None
    """Widths to choose from, as multiples of the published width. Default: [0.25, 0.5, 0.75, 1]."""
    units: tuple[tuple[int, ...], ...] | None = None
    """For each stage, the numbers of units to choose from. Default: the published ones, [[2], [3], [7], [4]]."""
    convolutions: tuple[str, ...] | None = None
    """Kinds of convolutions that a stage chooses from: dense; grouped (with a channel mixer between them); static_dynamic
    (shuffles that replace 1x1 convolutions). Default: all of these.
    """


class MobileNetV2Space(ScaledSpace):
    """Inverted residuals of the published channels times `width`, rounded to multiples of 8, in four stages.

    The stages are the rows of 24, of 32, of 64 and 96, and of 160 and 320 channels; the row of 16 belongs to the stem. The
    two 1x1 convolutions of each unit, before and after the depthwise one, may be of another kind; the mixer of a grouped
    stage is after the first of them, over the six times expanded channels. A 1x1 convolution that no Kronecker factors fit
    stays dense.

    Source: Sandler et al., arXiv 1801.04381; see `hosts.mobilenet_v2`.
    """

    name = "mobilenet_v2"
    title = "MobileNet V2"
    settings_class = MobileNetV2Settings
    _settings: MobileNetV2Settings

    def channels(self, width: float) -> tuple[int, ...]:
        """Numbers of channels of the stem, of every row and of the last convolution."""
        return _every_row(width)

    def host_shape(self, decisions: Mapping[str, Scalar], units: tuple[int, ...]) -> HostShape:
        """Sizes of the host; see `ShuffleSpace.host_shape`."""
        width = number(decisions, "width")
        inputs = rounded(FIRST_ROW_CHANNELS * width)
        stages = []
        last = []
        for stage, count in enumerate(units):
            mixed: set[int] = set()
            pairs: set[tuple[int, int]] = set()
            for outputs in unit_channels(width, stage, count):
                hidden = EXPANSION * inputs
                mixed.add(hidden)
                pairs |= {(inputs, hidden), (hidden, outputs)}
                inputs = outputs
            last.append(inputs)
            stages.append(StageShape(mixed=tuple(sorted(mixed)), convolutions=tuple(sorted(pairs))))
        return HostShape(stage_channels=tuple(last), stages=tuple(stages))

    def make_host(self, candidate: Candidate, units: tuple[int, ...]) -> Host:
        """Makes the unchanged network of this width, whose last 1x1 convolution is never narrower than the published one."""
        from search_spaces.hosts.mobilenet_v2 import mobilenet_v2

        width = number(candidate.architecture, "width")
        return mobilenet_v2(
            stem_channels=(rounded(STEM_CHANNELS * width), rounded(FIRST_ROW_CHANNELS * width)),
            stages=[unit_channels(width, stage, count) for stage, count in enumerate(units)],
            expansion=EXPANSION,
            features=rounded(FEATURES * max(1.0, width)),
            form=self._settings.form,
            stem_kernel=self._settings.stem_kernel,
            channels=self._image["channels"],
            classes=self._image["classes"],
        )

    def host_name(self, units: tuple[int, ...], decisions: Mapping[str, Scalar]) -> str:
        """The published name of the network."""
        return f"MobileNetV2 {decisions['width']:g}x"


def _every_row(width: float) -> tuple[int, ...]:
    """Numbers of channels of the stem, of every row and of the last convolution."""
    rows = (STEM_CHANNELS, FIRST_ROW_CHANNELS, *(channels for stage in ROWS for channels, _ in stage))
    return (*(rounded(channels * width) for channels in rows), rounded(FEATURES * max(1.0, width)))
