"""Reads a candidate's flat architecture, which may come from a file, into what a network is built from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nas.candidate import Candidate
from nas.dimensions import Scalar
from nas.errors import SpaceError, unknown_name
from search_spaces.blocks import BLOCKS, FACTORED, LEARNED, RANKED, REDUCED, GeneratorSpec, MixerSpec, Relaxation
from search_spaces.blocks.spec import NORMALIZERS, PENALTIES, ROUNDINGS, SHARES, SUM_LEVELS


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
    values = candidate.architecture
    kind = mixer_kind(values, stage)
    channels = shape.mixer_channels[stage - 1]
    sizes: dict[str, int] = {}
    generator = GeneratorSpec()
    sum_level = "full"
    if kind in FACTORED:
        sizes = {key: integer(values, f"stage{stage}.{key}") for key in ("groups", "n1", "n2")}
        if sizes["groups"] * sizes["n1"] * sizes["n2"] != channels or min(sizes["n1"], sizes["n2"]) < 2:
            raise SpaceError(
                f"candidate: stage {stage} mixes {channels} channels, which are not groups x n1 x n2 = "
                f"{' x '.join(map(str, sizes.values()))} with n1, n2 >= 2"
            )
    if kind in REDUCED:
        generator = GeneratorSpec(
            reduction=integer(values, f"stage{stage}.reduction"),
            share=_named(values, f"stage{stage}.share", SHARES),
        )
    if kind in RANKED:
        sizes["kron_rank"] = integer({f"stage{stage}.kron_rank": 1, **values}, f"stage{stage}.kron_rank")
        sum_level = _named(values, f"stage{stage}.sum_level", SUM_LEVELS)
    return MixerSpec(
        channels=channels,
        host_groups=shape.groups,
        generator=generator,
        relaxation=_relaxation(candidate.training) if kind in LEARNED else Relaxation(),
        sum_level=sum_level,
        **sizes,
    )


def _relaxation(training: Mapping[str, Scalar]) -> Relaxation:
    """How a candidate's permutations are learned.

    Raises:
        SpaceError: Something is missing or not a legal value.
    """
    return Relaxation(
        temperature=number(training, "temperature"),
        binarize_from=number(training, "binarize_from"),
        normalizer=_named(training, "normalizer", NORMALIZERS),
        penalty=_named(training, "penalty", PENALTIES),
        rounding=_named(training, "rounding", ROUNDINGS),
    )


def _named(values: Mapping[str, Scalar], name: str, allowed: Sequence[str]) -> str:
    """A decision that is one of some names, the first where it is absent.

    Raises:
        SpaceError: It is none of them.
    """
    value = str(values.get(name, allowed[0]))
    if value not in allowed:
        raise SpaceError(f"candidate: {name}: {unknown_name(name.rpartition('.')[2], value, allowed)}")
    return value
