"""Channel mixers: modules that may replace a ShuffleNet's channel shuffle.

`BLOCKS` maps the name of a mixer to its description; calling an entry makes a mixer from a `MixerSpec`. An entry in it
enrolls a mixer in the spaces, in the report and in the contract tests. Importing this module does not import torch; calling
an entry does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from search_spaces.blocks.mixer import Mixer
from search_spaces.blocks.spec import BlendSpec, GeneratorSpec, KroneckerShape, MixerSpec, PointwiseSpec, Relaxation

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "BLOCKS",
    "FACTORED",
    "GENERATED",
    "LEARNED",
    "RANKED",
    "REDUCED",
    "SUMMED",
    "BlendSpec",
    "GeneratorSpec",
    "KroneckerShape",
    "Mixer",
    "MixerSpec",
    "PointwiseSpec",
    "Relaxation",
    "make_pointwise",
]


def _none(spec: MixerSpec) -> nn.Module:
    from search_spaces.blocks.channel_shuffle import ChannelShuffle

    return ChannelShuffle(spec.channels, 1)


def _fixed(spec: MixerSpec) -> nn.Module:
    from search_spaces.blocks.channel_shuffle import ChannelShuffle

    return ChannelShuffle(spec.channels, spec.host_groups)


def _random(spec: MixerSpec) -> nn.Module:
    from search_spaces.blocks.random_shuffle import RandomShuffle

    return RandomShuffle(spec.channels)


def _random_each(spec: MixerSpec) -> nn.Module:
    from search_spaces.blocks.random_shuffle import RandomEachShuffle

    return RandomEachShuffle(groups=spec.groups, n1=spec.n1, n2=spec.n2)


def _squeeze_excitation(spec: MixerSpec) -> nn.Module:
    from search_spaces.blocks.squeeze_excitation import SqueezeExcitation

    return SqueezeExcitation(
        channels=spec.channels,
        host_groups=spec.host_groups,
        reduction=spec.generator.reduction,
        neutral=spec.generator.neutral,
    )


def _static(spec: MixerSpec) -> nn.Module:
    from search_spaces.blocks.static_shuffle import StaticShuffle

    return StaticShuffle(groups=spec.groups, n1=spec.n1, n2=spec.n2, relaxation=spec.relaxation)


def _static_full(spec: MixerSpec) -> nn.Module:
    from search_spaces.blocks.static_full_shuffle import StaticFullShuffle

    return StaticFullShuffle(channels=spec.channels, host_groups=spec.host_groups, relaxation=spec.relaxation)


def _static_matrix(spec: MixerSpec) -> nn.Module:
    from search_spaces.blocks.static_matrix import StaticMatrix

    return StaticMatrix(groups=spec.groups, n1=spec.n1, n2=spec.n2, kron_rank=spec.kron_rank)


def _dynamic(spec: MixerSpec) -> nn.Module:
    from search_spaces.blocks.dynamic_shuffle import DynamicShuffle

    return DynamicShuffle(
        groups=spec.groups, n1=spec.n1, n2=spec.n2, generator=spec.generator, relaxation=spec.relaxation
    )


def _static_dynamic(spec: MixerSpec) -> nn.Module:
    from search_spaces.blocks.static_dynamic_shuffle import StaticDynamicShuffle

    return StaticDynamicShuffle(
        groups=spec.groups,
        n1=spec.n1,
        n2=spec.n2,
        generator=spec.generator,
        relaxation=spec.relaxation,
        kron_rank=spec.kron_rank,
        sum_level=spec.sum_level,
    )


def _blend(spec: MixerSpec) -> nn.Module:
    from search_spaces.blocks.blend_shuffle import BlendShuffle

    return BlendShuffle(channels=spec.channels, host_groups=spec.host_groups, groups=spec.host_groups, blend=spec.blend)


def _kronecker_blend(spec: MixerSpec) -> nn.Module:
    from search_spaces.blocks.blend_shuffle import KroneckerBlend

    return KroneckerBlend(groups=spec.groups, n1=spec.n1, n2=spec.n2, blend=spec.blend)


def make_pointwise(spec: PointwiseSpec) -> nn.Module:
    """Makes the static-dynamic shuffle that replaces a 1x1 convolution of these sizes."""
    from search_spaces.blocks.pointwise_shuffle import PointwiseShuffle

    return PointwiseShuffle(
        shape=spec.shape,
        generator=spec.generator,
        relaxation=spec.relaxation,
        kron_rank=spec.kron_rank,
        sum_level=spec.sum_level,
    )


BLOCKS: dict[str, Mixer] = {
    "none": Mixer(
        make=_none,
        label="no shuffle",
        short="none",
        spoken="none",
        meaning="The channels stay in their order.",
        shape="square",
    ),
    "fixed": Mixer(
        make=_fixed,
        label="fixed shuffle",
        short="fixed",
        spoken="fixed",
        meaning="The shuffle of the published network: channels of different groups alternate, in an order that nobody learns.",
        unchanged=True,
    ),
    "random": Mixer(
        make=_random,
        label="random shuffle",
        short="random",
        spoken="random",
        meaning="One random order of the channels, drawn once and then kept.",
        shape="triangle-down",
    ),
    "random_each": Mixer(
        make=_random_each,
        label="random for each image",
        short="random-each",
        spoken="random-each",
        meaning="A new random order of the channels for each image, which shows what an order that changes is worth by itself.",
        shape="triangle-up",
        factored=True,
    ),
    "squeeze_excitation": Mixer(
        make=_squeeze_excitation,
        label="squeeze-excitation",
        short="squeeze-excitation",
        spoken="squeeze-excitation",
        meaning="Channels keep their order, and each is scaled by a factor that is computed from the image.",
        shape="cross",
        reduced=True,
    ),
    "static": Mixer(
        make=_static,
        label="static",
        short="static",
        meaning="A learned order of the channels of each group, the same for all images, after which groups are interleaved.",
        spoken="static",
        factored=True,
        learned=True,
    ),
    "static_full": Mixer(
        make=_static_full,
        label="static, all channels",
        short="full",
        meaning="A learned order in which a channel may move to any place among all channels.",
        spoken="static-full",
        learned=True,
    ),
    "static_matrix": Mixer(
        make=_static_matrix,
        label="static matrix",
        short="static-matrix",
        spoken="static-matrix",
        meaning="A learned matrix, the same for all images, that mixes channels instead of moving them.",
        shape="square",
        factored=True,
        ranked=True,
    ),
    "dynamic": Mixer(
        make=_dynamic,
        label="dynamic",
        short="dyn",
        meaning="An order of the channels that a small part of the network, its generator, makes anew for each image.",
        spoken="dynamic",
        factored=True,
        generated=True,
        learned=True,
    ),
    "static_dynamic": Mixer(
        make=_static_dynamic,
        label="static + dynamic",
        short="s+d",
        meaning="The sum of a learned matrix, the same for all images, and an order that is made anew for each image.",
        spoken="static+dynamic",
        shape="square",
        factored=True,
        generated=True,
        ranked=True,
        summed=True,
        learned=True,
    ),
    "blend": Mixer(
        make=_blend,
        label="blend",
        short="blend",
        spoken="blend",
        meaning="A weighted sum of a few fixed orders of the channels, whose weights are computed from the image.",
        shape="pentagon",
    ),
    "kronecker_blend": Mixer(
        make=_kronecker_blend,
        label="Kronecker blend",
        short="kronecker-blend",
        spoken="kronecker-blend",
        meaning="The same, with orders that are put together from two smaller ones (a Kronecker product).",
        shape="hexagon",
        factored=True,
    ),
}

FACTORED = tuple(name for name, mixer in BLOCKS.items() if mixer.factored)
"""Names of mixers that need a group count and a Kronecker pair."""

GENERATED = tuple(name for name, mixer in BLOCKS.items() if mixer.generated)
"""Names of mixers that have a generator, and so something to share."""

REDUCED = tuple(name for name, mixer in BLOCKS.items() if mixer.reduced or mixer.generated)
"""Names of mixers that have a hidden layer, and so a reduction."""

RANKED = tuple(name for name, mixer in BLOCKS.items() if mixer.ranked)
"""Names of mixers that have a static matrix, and so a Kronecker rank."""

SUMMED = tuple(name for name, mixer in BLOCKS.items() if mixer.summed)
"""Names of mixers that add a static and a generated matrix, and so have a level at which they are added."""

LEARNED = tuple(name for name, mixer in BLOCKS.items() if mixer.learned)
"""Names of mixers whose permutation is learned, and which so have a relaxation."""
