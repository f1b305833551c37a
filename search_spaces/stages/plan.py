"""The plan of what a candidate builds into a stage, read from its decisions, which may come from a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nas.errors import SpaceError, unknown_name
from search_spaces.architecture import StageShape, StageValues
from search_spaces.blocks import BLOCKS, GeneratorSpec, MixerSpec, Relaxation
from search_spaces.kinds import KINDS, Convolutions, Kind
from search_spaces.learning import generator, relaxation, sum_level
from search_spaces.ranks import KroneckerRanks, Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePlan:
    """What is built into one stage of the unchanged network."""

    kind: Kind[Any]
    """Kind of the stage's convolutions."""
    convolutions: Convolutions
    host_groups: int
    """Number of groups of the shuffle that the host has there, or would have between grouped convolutions."""
    mixer: str = ""
    """Name of the stage's mixer; empty if it has none."""
    mixers: Mapping[int, MixerSpec] = field(default_factory=dict)
    """The mixers, by the number of channels that they mix."""


def convolution_kind(values: StageValues) -> Kind[Any]:
    """The kind of a stage's convolutions; dense if the decisions do not say.

    Raises:
        SpaceError: The kind is unknown.
    """
    return KINDS[values.named("convolution", tuple(KINDS))]


def mixer_kind(values: StageValues) -> str:
    """Name of the mixer of a stage.

    Raises:
        SpaceError: The mixer is missing or unknown.
    """
    name = values.full_name("mixer")
    value = values.architecture.get(name)
    if not isinstance(value, str) or value not in BLOCKS:
        raise SpaceError(f"candidate: {name}: {unknown_name('mixer', str(value), BLOCKS)}")
    return value


def stage_plan(values: StageValues, shape: StageShape, ranks: KroneckerRanks, *, always_mixes: bool) -> StagePlan:
    """The plan of what a candidate builds into a stage.

    Args:
        values: Decisions of a candidate of any origin.
        shape: Sizes of the stage.
        ranks: The meaning of ranks.
        always_mixes: Whether the stage has mixers with every kind of convolutions, and not only with some.

    Raises:
        SpaceError: A decision is missing, or does not fit the channels.
    """
    kind = convolution_kind(values)
    convolutions = kind.convolutions(values, shape, ranks)
    prefix = values.full_name("")
    own = {key.removeprefix(prefix): value for key, value in values.architecture.items() if key.startswith(prefix)}
    groups = kind.host_groups(own, shape)
    if not (always_mixes or kind.mixes):
        return StagePlan(kind=kind, convolutions=convolutions, host_groups=groups)
    by_rank = ranks if len(shape.mixed) > 1 else None
    return StagePlan(
        kind=kind,
        convolutions=convolutions,
        host_groups=groups,
        mixer=mixer_kind(values),
        mixers={channels: _mixer_spec(values, channels, groups, by_rank) for channels in shape.mixed},
    )


def _mixer_spec(values: StageValues, channels: int, host_groups: int, ranks: KroneckerRanks | None) -> MixerSpec:
    """Sizes of the mixer of so many channels. Its factors are given by ranks if `ranks` is given, else by name."""
    mixer = BLOCKS[mixer_kind(values)]
    sizes: dict[str, Any] = {}
    level = "full"
    if mixer.factored and ranks is None:
        sizes = _named_sizes(values, channels)
    elif mixer.factored and ranks is not None:
        factors = ranks.shape(Layer(inputs=channels, outputs=channels, host_groups=host_groups), values.ranks())
        if factors is None:
            raise SpaceError(
                f"candidate: stage {values.stage} mixes {channels} channels, which are not a product of two factors"
            )
        sizes = {"groups": factors.groups, "n1": factors.outer[0], "n2": factors.inner[0]}
    if mixer.ranked:
        level = sum_level(values) if mixer.summed else "full"
        given = values.full_name("kron_rank") in values.architecture
        terms = values.integer("kron_rank") if given else 1
        sizes["kron_rank"] = 1 if level == "factor" else terms
    return MixerSpec(
        channels=channels,
        host_groups=host_groups,
        generator=generator(values) if mixer.reduced or mixer.generated else GeneratorSpec(),
        relaxation=relaxation(values.training) if mixer.learned else Relaxation(),
        sum_level=level,
        **sizes,
    )


def _named_sizes(values: StageValues, channels: int) -> dict[str, int]:
    sizes = {key: values.integer(key) for key in ("groups", "n1", "n2")}
    if sizes["groups"] * sizes["n1"] * sizes["n2"] != channels or min(sizes["n1"], sizes["n2"]) < 2:
        raise SpaceError(
            f"candidate: stage {values.stage} mixes {channels} channels, which are not groups x n1 x n2 = "
            f"{' x '.join(map(str, sizes.values()))} with n1, n2 >= 2"
        )
    return sizes
