"""Channel mixers: what may stand in the place of a ShuffleNet's channel shuffle.

`BLOCKS` maps the name of a kind to a function that makes it from a `MixerSpec`. Being in it enrolls a block in the contract
tests. Importing this module does not import torch; calling an entry does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from search_spaces.blocks.spec import MixerSpec

if TYPE_CHECKING:
    from torch import nn

__all__ = ["BLOCKS", "FACTORED", "GENERATED", "MixerSpec"]


def _fixed(spec: MixerSpec) -> nn.Module:
    from search_spaces.blocks.channel_shuffle import ChannelShuffle

    return ChannelShuffle(spec.channels, spec.host_groups)


def _static(spec: MixerSpec) -> nn.Module:
    from search_spaces.blocks.static_shuffle import StaticShuffle

    return StaticShuffle(
        groups=spec.groups,
        n1=spec.n1,
        n2=spec.n2,
        temperature=spec.temperature,
        binarize_from=spec.binarize_from,
    )


def _static_full(spec: MixerSpec) -> nn.Module:
    from search_spaces.blocks.static_full_shuffle import StaticFullShuffle

    return StaticFullShuffle(
        channels=spec.channels,
        host_groups=spec.host_groups,
        temperature=spec.temperature,
        binarize_from=spec.binarize_from,
    )


def _dynamic(spec: MixerSpec) -> nn.Module:
    from search_spaces.blocks.dynamic_shuffle import DynamicShuffle

    return DynamicShuffle(
        groups=spec.groups,
        n1=spec.n1,
        n2=spec.n2,
        reduction=spec.reduction,
        share=spec.share,
        temperature=spec.temperature,
        binarize_from=spec.binarize_from,
    )


def _static_dynamic(spec: MixerSpec) -> nn.Module:
    from search_spaces.blocks.static_dynamic_shuffle import StaticDynamicShuffle

    return StaticDynamicShuffle(
        groups=spec.groups,
        n1=spec.n1,
        n2=spec.n2,
        reduction=spec.reduction,
        share=spec.share,
        temperature=spec.temperature,
        binarize_from=spec.binarize_from,
        kron_rank=spec.kron_rank,
    )


BLOCKS: dict[str, Callable[[MixerSpec], nn.Module]] = {
    "fixed": _fixed,
    "static": _static,
    "static_full": _static_full,
    "dynamic": _dynamic,
    "static_dynamic": _static_dynamic,
}

FACTORED = ("static", "dynamic", "static_dynamic")
"""Kinds that need a group count and a Kronecker pair."""

GENERATED = ("dynamic", "static_dynamic")
"""Kinds that have a generator, so a reduction and something to share."""
