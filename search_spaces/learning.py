"""How permutations are learned and generated according to a candidate's decisions, which mixers and kinds of convolutions share."""

from __future__ import annotations

from collections.abc import Mapping

from nas.dimensions import Scalar
from search_spaces.architecture import StageValues, named, number
from search_spaces.blocks import GeneratorSpec, Relaxation
from search_spaces.blocks.spec import NORMALIZERS, PENALTIES, ROUNDINGS, SHARES, SUM_LEVELS


def generator(values: StageValues) -> GeneratorSpec:
    """The specification of a stage's generator.

    Raises:
        SpaceError: A decision is missing or not a legal value.
    """
    return GeneratorSpec(reduction=values.integer("reduction"), share=values.named("share", SHARES))


def relaxation(training: Mapping[str, Scalar]) -> Relaxation:
    """How a candidate's permutations are learned.

    Raises:
        SpaceError: A decision is missing or not a legal value.
    """
    return Relaxation(
        temperature=number(training, "temperature"),
        binarize_from=number(training, "binarize_from"),
        normalizer=named(training, "normalizer", NORMALIZERS),
        penalty=named(training, "penalty", PENALTIES),
        rounding=named(training, "rounding", ROUNDINGS),
    )


def sum_level(values: StageValues) -> str:
    """The level at which a stage adds generated and static matrices.

    Raises:
        SpaceError: The decision is not a legal value.
    """
    return values.named("sum_level", SUM_LEVELS)
