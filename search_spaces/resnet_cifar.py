"""The space of CIFAR ResNets with bottleneck units."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from nas.candidate import Candidate
from nas.dimensions import Choice, Scalar
from search_spaces.architecture import POINTWISE, HostShape, StageShape, number
from search_spaces.settings import SpaceSettings
from search_spaces.shuffle_space import ShuffleSpace, spread
from search_spaces.validation import convolution_faults, multiple_faults

if TYPE_CHECKING:
    from search_spaces.hosts.host import Host

USUAL_WIDTHS = (0.25, 0.5, 1.0)
USUAL_CONV_GROUPS = (2, 4, 8)
PUBLISHED_BOTTLENECK = 16
STEM_CHANNELS = 16
EXPANSION = 4
LAYERS_OF_A_UNIT = 3


def first_bottleneck(width: float) -> int:
    """Of the first stage: 16 times the width, rounded (half up) to a multiple of 4 that is 4 or more."""
    return 4 * max(1, math.floor(PUBLISHED_BOTTLENECK * width / 4 + 0.5))


class ResNetCifarSpace(ShuffleSpace):
    """Bottlenecks of 16, 32 and 64 channels times `width`, 9 n + 2 layers for n units a stage; the small form alone.

    What may be something else are the two 1x1 convolutions of each unit, before and after the 3x3; the mixer of a grouped stage
    stands after the first of them, over the bottleneck. Projections at shortcuts stay dense, and so does a 1x1 convolution that no
    Kronecker factors fit.

    Source: He et al., arXiv 1512.03385; see `hosts.resnet_cifar`.
    """

    name = "resnet_cifar"
    published_units = (3, 3, 3)
    always_mixes = False

    def host_faults(self, settings: SpaceSettings) -> list[str]:
        """Widths that are not positive, groups below 2, and another form."""
        found = [] if settings.form != "imagenet" else self.form_faults("imagenet")
        return [*found, *multiple_faults(settings.widths), *convolution_faults(settings.conv_groups)]

    def form_faults(self, form: str) -> list[str]:
        """Only the small form is there."""
        if form == "small":
            return []
        return [
            "space.form: resnet_cifar has the form small alone, which is for 8 to 64 pixels; use small, or mobilenet_v2"
        ]

    def with_host_defaults(self, settings: SpaceSettings) -> SpaceSettings:
        """Usual widths and groups, and every form of 1x1 convolutions, where none are given."""
        widths = settings.widths if settings.widths is not None else USUAL_WIDTHS
        groups = settings.conv_groups if settings.conv_groups is not None else USUAL_CONV_GROUPS
        pointwise = settings.pointwise if settings.pointwise is not None else POINTWISE
        return replace(settings, widths=tuple(map(float, widths)), conv_groups=tuple(groups), pointwise=pointwise)

    def host_dimensions(self) -> tuple[Choice, ...]:
        """The width."""
        return (Choice(name="width", choices=self._widths),)

    def canonical_host(self, decisions: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """Of the widths that round to the same channels the smallest."""
        channels = first_bottleneck(number(decisions, "width"))
        return {"width": min(width for width in self._widths if first_bottleneck(width) == channels)}

    def host_shape(self, decisions: Mapping[str, Scalar], units: tuple[int, ...]) -> HostShape:
        """Sizes of the host; see `ShuffleSpace.host_shape`."""
        first = first_bottleneck(number(decisions, "width"))
        stages = []
        inputs = STEM_CHANNELS
        for bottleneck, count in zip((first, 2 * first, 4 * first), units, strict=True):
            outputs = EXPANSION * bottleneck
            pairs = [(inputs, bottleneck), (bottleneck, outputs), *([(outputs, bottleneck)] if count > 1 else [])]
            stages.append(StageShape(mixed=(bottleneck,), pointwise=tuple(sorted(set(pairs)))))
            inputs = outputs
        return HostShape(stage_channels=tuple(EXPANSION * first * k for k in (1, 2, 4)), stages=tuple(stages))

    def make_host(self, candidate: Candidate, units: tuple[int, ...]) -> Host:
        """The unchanged network of this width."""
        from search_spaces.hosts.resnet_cifar import resnet_cifar

        first = first_bottleneck(number(candidate.architecture, "width"))
        return resnet_cifar(
            bottlenecks=(first, 2 * first, 4 * first),
            units=units,
            stem_kernel=self._settings.stem_kernel,
            channels=self._image["channels"],
            classes=self._image["classes"],
        )

    def baseline_hosts(self, units: tuple[int, ...]) -> dict[str, dict[str, Scalar]]:
        """Up to four widths."""
        depth = LAYERS_OF_A_UNIT * sum(units) + 2
        return {f"ResNet-{depth} {width:g}x": {"width": width} for width in spread(self._widths)}

    @property
    def _widths(self) -> tuple[float, ...]:
        return tuple(self._settings.widths or ())
