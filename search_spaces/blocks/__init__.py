"""Channel mixers: what may stand in the place of a ShuffleNet's channel shuffle.

`BLOCKS` maps the name of a kind to a function that makes it from a `MixerSpec`. Being in it enrolls a block in the contract
tests. Importing this module does not import torch; calling an entry does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

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
    "BlendSpec",
    "GeneratorSpec",
    "KroneckerShape",
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
    """The static-dynamic shuffle in the place of a 1x1 convolution of these sizes."""
    from search_spaces.blocks.pointwise_shuffle import PointwiseShuffle

    return PointwiseShuffle(
        shape=spec.shape,
        generator=spec.generator,
        relaxation=spec.relaxation,
        kron_rank=spec.kron_rank,
        sum_level=spec.sum_level,
    )


BLOCKS: dict[str, Callable[[MixerSpec], nn.Module]] = {
    "none": _none,
    "fixed": _fixed,
    "random": _random,
    "random_each": _random_each,
    "squeeze_excitation": _squeeze_excitation,
    "static": _static,
    "static_full": _static_full,
    "static_matrix": _static_matrix,
    "dynamic": _dynamic,
    "static_dynamic": _static_dynamic,
    "blend": _blend,
    "kronecker_blend": _kronecker_blend,
}

FACTORED = ("random_each", "static", "static_matrix", "dynamic", "static_dynamic", "kronecker_blend")
"""Kinds that need a group count and a Kronecker pair."""

GENERATED = ("dynamic", "static_dynamic")
"""Kinds that have a generator, so something to share."""

REDUCED = ("squeeze_excitation", *GENERATED)
"""Kinds with a hidden layer, so a reduction."""

RANKED = ("static_matrix", "static_dynamic")
"""Kinds with a static matrix, so a Kronecker rank."""

LEARNED = ("static", "static_full", "dynamic", "static_dynamic")
"""Kinds whose permutation is learned, so a relaxation."""
