"""What a portrait says of the decisions of a stage agrees with the network that is built."""

from __future__ import annotations

import random

from torch import nn

from search_spaces import compact
from search_spaces.blocks.deployed.deployed_matrix import GatherMatrixSum, KroneckerMatrix
from search_spaces.portrait import stage_words, stages
from search_spaces.spaces.shufflenet_v2 import ShuffleNetV2Space
from tests.search_spaces.any_space import shuffle_settings
from tests.search_spaces.genotypes import draw


def test_the_words_say_whether_a_static_matrix_is_deployed_dense() -> None:
    settings = shuffle_settings(
        widths=(16, 24, 48), units=((1,), (1,), (1,)), mixers=("static_dynamic",), sum_levels=("full", "factor")
    )
    space = ShuffleNetV2Space(settings, image_size=8, channels=1, classes=4)
    rng = random.Random(0)
    told = set()
    for _ in range(12):
        candidate = space.decode(draw(space, rng))
        network = compact(space.build(candidate))
        parts = network.stages
        assert isinstance(parts, nn.Module)
        for stage, (name, decisions) in zip(parts.children(), stages(candidate).items(), strict=True):
            sums = [part for part in stage.modules() if isinstance(part, GatherMatrixSum)]
            dense = [not isinstance(part.matrix, KroneckerMatrix) for part in sums]
            for part, one in zip(sums, dense, strict=True):
                assert any(isinstance(module, nn.Conv2d) for module in part.matrix.modules()) is one
            said = "deployed as a dense one" in stage_words(decisions)
            assert dense in ([], [said]), name
            told.add(said)
    assert told == {True, False}
