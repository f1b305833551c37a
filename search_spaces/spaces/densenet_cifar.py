"""The space of CIFAR DenseNets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nas.candidate import Candidate
from nas.dimensions import Scalar
from search_spaces.architecture import HostShape, StageShape, number
from search_spaces.kinds import EveryKindSettings
from search_spaces.scaled_space import ScaledSettings, ScaledSpace
from search_spaces.value_faults import growth_faults, is_number, items_of

if TYPE_CHECKING:
    from search_spaces.hosts.host import Host

BOTTLENECK = 4
STEM = 2


def stage_inputs(growth: int, units: tuple[int, ...]) -> tuple[int, ...]:
    """Channels that reach the first unit of each stage, and at the end those that leave the last stage.

    A transition halves them, rounded down to an even number, so that they can be grouped.
    """
    found = [STEM * growth]
    for count in units[:-1]:
        found.append((found[-1] + count * growth) // 4 * 2)
    return (*found, found[-1] + units[-1] * growth)


def _whole(value: object) -> object:
    return int(value) if is_number(value) and value == int(value) else value  # type: ignore[call-overload]


@dataclass(frozen=True, kw_only=True)
class DenseNetCifarSettings(EveryKindSettings, ScaledSettings):
    """Settings of the space of CIFAR DenseNets."""

    published_units = (16, 16, 16)
    usual_widths = (8.0, 12.0, 24.0)
    sizes_of_images = "8 to 64 pixels"

    name: str = "densenet_cifar"
    widths: tuple[float, ...] | None = None
    """Growth rates to choose from, the number of channels that each unit adds. Default: [8, 12, 24]."""
    units: tuple[tuple[int, ...], ...] | None = None
    """For each stage, the numbers of units to choose from. Default: [[16], [16], [16]], 100 layers."""

    def width_faults(self) -> list[str]:
        """What is wrong with the growth rates; an integer may be written as 8.0."""
        items = items_of(self.widths)
        return growth_faults(self.widths if items is None else tuple(_whole(item) for item in items))


class DenseNetCifarSpace(ScaledSpace):
    """Three stages of units that each add `width` channels, the growth rate. 16 units per stage are DenseNet-BC of 100 layers.

    Both convolutions of each unit, the 1x1 and the 3x3, may be grouped or replaced by static-dynamic shuffles; the mixer of
    a grouped stage is between them. Filters are rebuilt and groups learned in the transition before a stage too.

    Source: Huang et al., arXiv 1608.06993; see `hosts.densenet_cifar`.
    """

    name = "densenet_cifar"
    title = "CIFAR DenseNet"
    settings_class = DenseNetCifarSettings
    _settings: DenseNetCifarSettings

    def channels(self, width: float) -> int:
        """The growth rate of the host."""
        return int(width)

    def host_shape(self, decisions: Mapping[str, Scalar], units: tuple[int, ...]) -> HostShape:
        """Sizes of the host; see `ShuffleSpace.host_shape`."""
        growth = int(number(decisions, "width"))
        hidden = BOTTLENECK * growth
        starts = stage_inputs(growth, units)
        stages = []
        for stage, count in enumerate(units):
            pairs = {(starts[stage] + unit * growth, hidden) for unit in range(count)} | {(hidden, growth)}
            filters = {hidden, growth, *([starts[stage]] if stage else [])}
            stages.append(
                StageShape(mixed=(hidden,), convolutions=tuple(sorted(pairs)), filters=tuple(sorted(filters)))
            )
        outputs = tuple(start + count * growth for start, count in zip(starts, units, strict=False))
        return HostShape(stage_channels=outputs, stages=tuple(stages))

    def make_host(self, candidate: Candidate, units: tuple[int, ...]) -> Host:
        """Makes the unchanged network of this growth rate."""
        from search_spaces.hosts.densenet_cifar import densenet_cifar

        return densenet_cifar(
            growth=int(number(candidate.architecture, "width")),
            starts=stage_inputs(int(number(candidate.architecture, "width")), units),
            units=units,
            stem_kernel=self._settings.stem_kernel,
            channels=self._image["channels"],
            classes=self._image["classes"],
        )

    def host_name(self, units: tuple[int, ...], decisions: Mapping[str, Scalar]) -> str:
        """DenseNet-BC with its number of layers and its growth rate, in words."""
        return f"DenseNet-BC-{2 * sum(units) + 4}, growth {decisions['width']:g}"
