"""Static-dynamic shuffles that replace convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nas.portrait import KindStyle
from search_spaces.architecture import StageShape, StageValues
from search_spaces.blocks import KroneckerShape, PointwiseSpec, make_pointwise
from search_spaces.kinds.kind import Convolutions, Kind
from search_spaces.learning import generator, relaxation, sum_level
from search_spaces.ranks import KroneckerRanks, Layer

if TYPE_CHECKING:
    from torch import nn

    from search_spaces.hosts.host import Host


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticDynamicShuffles(Convolutions):
    """Replaces each convolution that some factors fit by a static-dynamic shuffle; the others stay."""

    by_sizes: Mapping[tuple[int, int], PointwiseSpec]
    """The shuffles by inputs and outputs of the convolution."""

    @property
    def factors(self) -> tuple[KroneckerShape, ...]:
        """The factors for each size of a convolution."""
        return tuple(spec.shape for spec in self.by_sizes.values())

    def build(self, host: Host, stage: int) -> None:
        """Replaces the convolutions. If one is wider than 1x1, a depthwise convolution before the shuffle keeps its width."""
        if self.by_sizes:
            host.replace_convolutions(stage, self._in_place_of)

    def _in_place_of(self, dense: nn.Conv2d) -> nn.Module:
        from torch import nn

        from search_spaces.hosts.stem import like

        spec = self.by_sizes.get((dense.in_channels, dense.out_channels))
        if spec is None:
            return dense
        if dense.kernel_size == (1, 1):
            return make_pointwise(spec)
        channels = dense.in_channels
        depthwise = like(dense, groups=channels, outputs=channels)
        return nn.Sequential(depthwise, nn.BatchNorm2d(channels), make_pointwise(spec))


class StaticDynamic(Kind[Any]):
    """Convolutions that are replaced by the sum of a static Kronecker matrix and a generated Kronecker permutation.

    It shares all its decisions (ranks, reduction, share, Kronecker rank and sum level) with the mixers of the stage.
    """

    name = "static_dynamic"
    # A mixer is called static_dynamic too.
    style = KindStyle(
        name="replaced",
        label="static-dynamic",
        shape="triangle-up",
        meaning="Instead of a convolution, the sum of a learned matrix and of an order of the channels made for each image.",
    )
    drawing = "notched"
    factored = True
    learned = True

    def applies(self, values: StageValues, shape: StageShape, ranks: KroneckerRanks) -> bool:
        """Whether factors fit any of the convolutions."""
        return bool(self.layers(shape, ranks))

    def layers(self, shape: StageShape, ranks: KroneckerRanks) -> tuple[Layer, ...]:
        """The convolutions that some factors fit."""
        layers = (Layer(inputs=inputs, outputs=outputs) for inputs, outputs in shape.convolutions)
        return tuple(layer for layer in layers if ranks.groups(layer))

    def convolutions(self, values: StageValues, shape: StageShape, ranks: KroneckerRanks) -> StaticDynamicShuffles:
        """Shuffles with the factors that the ranks mean for each size."""
        by_sizes = {
            pair: ranks.shape(Layer(inputs=pair[0], outputs=pair[1]), values.ranks()) for pair in shape.convolutions
        }
        fitting = {pair: factors for pair, factors in by_sizes.items() if factors is not None}
        return StaticDynamicShuffles(by_sizes={pair: _spec(values, factors) for pair, factors in fitting.items()})


def _spec(values: StageValues, factors: KroneckerShape) -> PointwiseSpec:
    level = sum_level(values)
    return PointwiseSpec(
        shape=factors,
        generator=generator(values),
        relaxation=relaxation(values.training),
        kron_rank=1 if level == "factor" else values.integer("kron_rank"),
        sum_level=level,
    )
