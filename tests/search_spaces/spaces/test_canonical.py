"""A candidate that was decoded by earlier rules is stated as today's rules state it."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from nas.errors import SpaceError
from nas.records import Trial, TrialState
from nas.study.space_migration import SpaceMigration
from search_spaces import SPACES, SpaceSettings, make_space, space_settings
from search_spaces.shuffle_space import ShuffleSpace
from tests.search_spaces.genotypes import draw
from tests.search_spaces.spaces.test_digest import SETTINGS


def space_of(settings: SpaceSettings) -> ShuffleSpace:
    space = make_space(settings, image_size=32, channels=3, classes=10)
    assert isinstance(space, ShuffleSpace)
    return space


@pytest.mark.parametrize("name", SPACES)
def test_what_is_decoded_is_canonical(name: str) -> None:
    settings = SETTINGS.get(name, space_settings(name=name))
    space, rng = space_of(settings), random.Random(0)
    for _ in range(60):
        candidate = space.decode(draw(space, rng))
        assert space.canonical(candidate) == candidate


def test_a_reduction_is_the_smallest_offered_now_that_means_the_same() -> None:
    """Hidden layers have four units at least: of 16 channels a quarter and an eighth are the same."""
    before, now = (
        space_of(
            space_settings(widths=(16,), units=((1,), (1,), (1,)), mixers=("fixed", "dynamic"), reductions=reductions)
        )
        for reductions in ((8,), (4, 8))
    )
    genotype = {**before.baselines()["ShuffleNetV2 (16), units 1-1-1"], "stage1.mixer": "dynamic"}
    recorded = before.decode(genotype)
    assert recorded.architecture["stage1.reduction"] == 8
    assert now.canonical(recorded).architecture["stage1.reduction"] == 4
    other = replace(recorded, architecture={**recorded.architecture, "stage1.reduction": 2})
    assert now.canonical(other) == other

    trial = Trial(number=3, genotype=genotype, candidate=recorded, state=TrialState.COMPLETE, costs={})
    grown = SpaceMigration(now, [before.settings()])(trial)
    assert grown.genotype["stage1.reduction"] == 8
    assert grown.candidate == recorded, "its weights were trained in that form"
    assert now.canonical(grown.candidate) == now.decode(grown.genotype)
    with pytest.raises(SpaceError, match=r"trial 3 would mean another network: stage1\.reduction"):
        SpaceMigration(now, [before.settings()])(replace(trial, candidate=other))


def test_a_candidate_of_another_space_has_no_canonical_form() -> None:
    space = space_of(SETTINGS["shufflenet_v2"])
    candidate = replace(space.decode(draw(space, random.Random(0))), space="toy")
    with pytest.raises(SpaceError, match="is of the space 'toy'"):
        space.canonical(candidate)
