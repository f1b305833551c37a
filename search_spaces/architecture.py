"""Reads a candidate's flat architecture, which may come from a file, into what a network is built from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nas.candidate import Candidate
from nas.dimensions import Scalar
from nas.errors import SpaceError, unknown_name
from nas.json_fields import shown
from search_spaces.blocks import (
    BLOCKS,
    FACTORED,
    LEARNED,
    RANKED,
    REDUCED,
    GeneratorSpec,
    KroneckerShape,
    MixerSpec,
    PointwiseSpec,
    Relaxation,
)
from search_spaces.blocks.spec import NORMALIZERS, PENALTIES, ROUNDINGS, SHARES, SUM_LEVELS
from search_spaces.ranks import KroneckerRanks, Layer
from search_spaces.reconstruction import TRANSFORMATIONS

KINDS = ("dense", "grouped", "static_dynamic", "reconstructed", "learned_groups")
"""What a stage's convolutions are: ordinary; grouped, with a channel mixer between them; static-dynamic shuffles; such that rebuild
filters of others; such that learn groups and the order of their channels."""


LARGEST = 10**6
"""Number that a decision may be."""
MOST_CHANNELS = 2**16
"""Of a layer; four times those of a MobileNetV2 of ten times the published width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageShape:
    """Sizes in one stage of the unchanged network."""

    mixed: tuple[int, ...]
    """Channels that its mixers mix, each number once."""
    convolutions: tuple[tuple[int, int], ...]
    """Inputs and outputs of its convolutions that may be grouped or static-dynamic shuffles, each pair once."""
    filters: tuple[int, ...] = ()
    """Outputs of its dense convolutions, which may rebuild filters or learn groups, each number once."""
    groups: int = 1
    """Groups of its own shuffle; 1 where it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostShape:
    """Sizes of the unchanged network."""

    stage_channels: tuple[int, ...]
    """Outputs of each stage."""
    stages: tuple[StageShape, ...]

    @property
    def widest(self) -> int:
        """Most channels of a layer."""
        of_stages = (
            c
            for stage in self.stages
            for c in (*stage.mixed, *stage.filters, *(c for pair in stage.convolutions for c in pair))
        )
        return max((*self.stage_channels, *of_stages))


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedGroups:
    """How the convolutions of a stage learn groups."""

    groups: int
    """That all of them would have if they had the same number: so many times fewer multiply-adds are the target."""
    step: float
    """By which the weight of the penalty changes, an epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuiltFilters:
    """How filters of a stage are rebuilt of others."""

    share: float
    """Of all filters of the stage."""
    groups: int
    """Of channels with transformations of their own."""
    family: str
    """Of the transformations."""
    least_templates: int
    """Of each convolution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePlan:
    """What is built into one stage of the unchanged network."""

    conv_groups: int = 1
    """Of its convolutions; 1 leaves them as they are."""
    shuffled: Mapping[tuple[int, int], PointwiseSpec] = field(default_factory=dict)
    """The static-dynamic shuffle in the place of a convolution, by its inputs and outputs; absent ones stay."""
    learned: LearnedGroups | None = None
    rebuilt: RebuiltFilters | None = None
    mixer: str = ""
    """Kind of its mixers, or empty where the stage has none."""
    mixers: Mapping[int, MixerSpec] = field(default_factory=dict)
    """Of each number of mixed channels."""


def integer(values: Mapping[str, Scalar], name: str) -> int:
    """A decision that is a positive integer, and none that no network could be made of.

    Raises:
        SpaceError: It is missing or something else.
    """
    value = values.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LARGEST:
        raise SpaceError(f"candidate: {name} = {shown(value)} must be a positive integer of at most {LARGEST:,}")
    return value


def number(values: Mapping[str, Scalar], name: str) -> float:
    """A decision that is a positive or zero number, of a size that makes sense.

    Raises:
        SpaceError: It is missing or something else.
    """
    value = values.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= LARGEST:
        raise SpaceError(f"candidate: {name} = {shown(value)} must be a number of at least 0 and at most {LARGEST:,}")
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


def convolution_kind(values: Mapping[str, Scalar], stage: int) -> str:
    """What the convolutions of a stage, counted from 1, are; dense where it is not said.

    Raises:
        SpaceError: It is unknown.
    """
    return named(values, f"stage{stage}.convolution", KINDS)


def stage_plan(
    candidate: Candidate, stage: int, shape: StageShape, ranks: KroneckerRanks, *, always_mixes: bool
) -> StagePlan:
    """What a candidate builds into a stage, counted from 1.

    Args:
        candidate: Of any origin.
        stage: Its number.
        shape: Its sizes.
        ranks: What ranks mean.
        always_mixes: Whether the stage has mixers whatever its convolutions are, and not only between grouped ones.

    Raises:
        SpaceError: Something it needs is missing, or does not fit the channels.
    """
    values = candidate.architecture
    kind = convolution_kind(values, stage)
    plan = StagePlan()
    if kind == "grouped":
        plan = StagePlan(conv_groups=_dividing(values, stage, shape))
    elif kind == "static_dynamic":
        by_pair = {
            pair: ranks.shape(Layer(inputs=pair[0], outputs=pair[1]), _ranks(values, stage))
            for pair in shape.convolutions
        }
        plan = StagePlan(
            shuffled={
                pair: _pointwise_spec(candidate, stage, each) for pair, each in by_pair.items() if each is not None
            }
        )
    elif kind == "learned_groups":
        plan = StagePlan(learned=_learned_groups(candidate, stage))
    elif kind == "reconstructed":
        plan = StagePlan(rebuilt=_rebuilt_filters(values, stage))
    if not (always_mixes or kind == "grouped"):
        return plan
    groups = plan.conv_groups if kind == "grouped" else shape.groups
    mixers = {c: _mixer_spec(candidate, stage, c, groups, ranks if len(shape.mixed) > 1 else None) for c in shape.mixed}
    return replace(plan, mixer=mixer_kind(values, stage), mixers=mixers)


def _learned_groups(candidate: Candidate, stage: int) -> LearnedGroups:
    name = f"stage{stage}.learned_groups"
    groups = integer(candidate.architecture, name)
    if groups < 2:
        raise SpaceError(f"candidate: {name} = {groups} must be at least 2")
    return LearnedGroups(groups=groups, step=number(candidate.training, "sparsity_step"))


def _rebuilt_filters(values: Mapping[str, Scalar], stage: int) -> RebuiltFilters:
    share = number(values, f"stage{stage}.rebuilt")
    if not share < 1:
        raise SpaceError(f"candidate: stage{stage}.rebuilt = {share!r} must be below 1")
    return RebuiltFilters(
        share=share,
        groups=integer(values, f"stage{stage}.filter_groups"),
        family=named(values, f"stage{stage}.transformation", TRANSFORMATIONS),
        least_templates=integer(values, f"stage{stage}.least_templates"),
    )


def _dividing(values: Mapping[str, Scalar], stage: int, shape: StageShape) -> int:
    groups = integer(values, f"stage{stage}.conv_groups")
    wrong = sorted({c for pair in shape.convolutions for c in pair if c % groups})
    if wrong:
        raise SpaceError(
            f"candidate: stage{stage}.conv_groups = {groups} does not divide the {', '.join(map(str, wrong))} channels "
            "of its convolutions"
        )
    return groups


def _ranks(values: Mapping[str, Scalar], stage: int) -> tuple[int, int]:
    """Group rank and pair rank of a stage whose layers differ in size."""
    found = []
    for key in ("group_rank", "pair_rank"):
        rank = values.get(f"stage{stage}.{key}")
        if not isinstance(rank, int) or isinstance(rank, bool) or rank < 0:
            raise SpaceError(f"candidate: stage{stage}.{key} = {rank!r} must be an integer of at least 0")
        found.append(rank)
    return found[0], found[1]


def _pointwise_spec(candidate: Candidate, stage: int, factors: KroneckerShape) -> PointwiseSpec:
    values = candidate.architecture
    sum_level = named(values, f"stage{stage}.sum_level", SUM_LEVELS)
    return PointwiseSpec(
        shape=factors,
        generator=_generator(values, stage),
        relaxation=_relaxation(candidate.training),
        kron_rank=1 if sum_level == "factor" else integer(values, f"stage{stage}.kron_rank"),
        sum_level=sum_level,
    )


def _mixer_spec(
    candidate: Candidate, stage: int, channels: int, host_groups: int, ranks: KroneckerRanks | None
) -> MixerSpec:
    """Sizes of the mixer of so many channels; with `ranks` its factors are told by ranks, without by name."""
    values = candidate.architecture
    kind = mixer_kind(values, stage)
    sizes: dict[str, Any] = {}
    sum_level = "full"
    if kind in FACTORED and ranks is None:
        sizes = _named_sizes(values, stage, channels)
    elif kind in FACTORED and ranks is not None:
        layer = Layer(inputs=channels, outputs=channels, host_groups=host_groups)
        factors = ranks.shape(layer, _ranks(values, stage))
        if factors is None:
            raise SpaceError(f"candidate: stage {stage} mixes {channels} channels, which are no product of two factors")
        sizes = {"groups": factors.groups, "n1": factors.outer[0], "n2": factors.inner[0]}
    if kind in RANKED:
        sum_level = named(values, f"stage{stage}.sum_level", SUM_LEVELS) if kind == "static_dynamic" else "full"
        rank = integer({f"stage{stage}.kron_rank": 1, **values}, f"stage{stage}.kron_rank")
        sizes["kron_rank"] = 1 if sum_level == "factor" else rank
    return MixerSpec(
        channels=channels,
        host_groups=host_groups,
        generator=_generator(values, stage) if kind in REDUCED else GeneratorSpec(),
        relaxation=_relaxation(candidate.training) if kind in LEARNED else Relaxation(),
        sum_level=sum_level,
        **sizes,
    )


def _named_sizes(values: Mapping[str, Scalar], stage: int, channels: int) -> dict[str, int]:
    sizes = {key: integer(values, f"stage{stage}.{key}") for key in ("groups", "n1", "n2")}
    if sizes["groups"] * sizes["n1"] * sizes["n2"] != channels or min(sizes["n1"], sizes["n2"]) < 2:
        raise SpaceError(
            f"candidate: stage {stage} mixes {channels} channels, which are not groups x n1 x n2 = "
            f"{' x '.join(map(str, sizes.values()))} with n1, n2 >= 2"
        )
    return sizes


def _generator(values: Mapping[str, Scalar], stage: int) -> GeneratorSpec:
    return GeneratorSpec(
        reduction=integer(values, f"stage{stage}.reduction"), share=named(values, f"stage{stage}.share", SHARES)
    )


def _relaxation(training: Mapping[str, Scalar]) -> Relaxation:
    """How a candidate's permutations are learned.

    Raises:
        SpaceError: Something is missing or not a legal value.
    """
    return Relaxation(
        temperature=number(training, "temperature"),
        binarize_from=number(training, "binarize_from"),
        normalizer=named(training, "normalizer", NORMALIZERS),
        penalty=named(training, "penalty", PENALTIES),
        rounding=named(training, "rounding", ROUNDINGS),
    )


def named(values: Mapping[str, Scalar], name: str, allowed: Sequence[str]) -> str:
    """A decision that is one of some names, the first where it is absent.

    Raises:
        SpaceError: It is none of them.
    """
    value = str(values.get(name, allowed[0]))
    if value not in allowed:
        raise SpaceError(f"candidate: {name}: {unknown_name(name.rpartition('.')[2], value, allowed)}")
    return value
