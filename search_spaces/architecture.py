"""Reads a candidate's flat architecture, which may come from a file, into what a network is built from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nas.candidate import Candidate
from nas.dimensions import Scalar
from nas.errors import SpaceError, unknown_name
from search_spaces.blocks import BLOCKS, FACTORED, GENERATED, MixerSpec
from search_spaces.blocks.spec import SHARES


@dataclass(frozen=True, slots=True, kw_only=True)
class HostShape:
    """Sizes of the unchanged network."""

    stage_channels: tuple[int, ...]
    """Outputs of each stage."""
    mixer_channels: tuple[int, ...]
    """Channels that the mixers of each stage mix."""
    groups: int
    """Groups of the unchanged shuffle."""


def integer(values: Mapping[str, Scalar], name: str) -> int:
    """A decision that is a positive integer.

    Raises:
        SpaceError: It is missing or something else.
    """
    value = values.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise SpaceError(f"candidate: {name} = {value!r} must be a positive integer")
    return value


def number(values: Mapping[str, Scalar], name: str) -> float:
    """A decision that is a positive or zero number.

    Raises:
        SpaceError: It is missing or something else.
    """
    value = values.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not value >= 0:
        raise SpaceError(f"candidate: {name} = {value!r} must be a number of at least 0")
    return float(value)


def mixer_kind(values: Mapping[str, Scalar], stage: int) -> str:
    """Name of the mixer of a stage, counted from 1.

    Raises:
        SpaceError: It is missing or unknown.
    """
    value = values.get(f"stage{stage}.mixer")
    if not isinstance(value, str) or value not in BLOCKS:
        raise SpaceError(f"candidate: stage{stage}.mixer: {unknown_name('mixer', str(value), BLOCKS)}")
    return value


def mixer_spec(candidate: Candidate, stage: int, shape: HostShape) -> MixerSpec:
    """Sizes of the mixer of a stage, counted from 1.

    Raises:
        SpaceError: Something it needs is missing, or does not fit the channels.
    """
    values, training = candidate.architecture, candidate.training
    kind = mixer_kind(values, stage)
    channels = shape.mixer_channels[stage - 1]
    sizes: dict[str, int] = {}
    share = "matrices"
    if kind in FACTORED:
        sizes = {key: integer(values, f"stage{stage}.{key}") for key in ("groups", "n1", "n2")}
        if sizes["groups"] * sizes["n1"] * sizes["n2"] != channels or min(sizes["n1"], sizes["n2"]) < 2:
            raise SpaceError(
                f"candidate: stage {stage} mixes {channels} channels, which are not groups x n1 x n2 = "
                f"{' x '.join(map(str, sizes.values()))} with n1, n2 >= 2"
            )
    if kind in GENERATED:
        sizes["reduction"] = integer(values, f"stage{stage}.reduction")
        share = str(values.get(f"stage{stage}.share", share))
        if share not in SHARES:
            raise SpaceError(f"candidate: stage{stage}.share: {unknown_name('share', share, SHARES)}")
    if kind == "fixed":
        return MixerSpec(channels=channels, host_groups=shape.groups)
    return MixerSpec(
        channels=channels,
        host_groups=shape.groups,
        groups=sizes.get("groups", 1),
        n1=sizes.get("n1", 0),
        n2=sizes.get("n2", 0),
        reduction=sizes.get("reduction", 1),
        share=share,
        temperature=number(training, "temperature"),
        binarize_from=number(training, "binarize_from"),
    )
