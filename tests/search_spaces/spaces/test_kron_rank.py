"""Terms of a static matrix beyond those that can make any matrix of its sizes mean nothing."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch

from search_spaces.blocks.permutations.kronecker_shuffle import summed_terms
from search_spaces.blocks.spec import KroneckerShape
from search_spaces.spaces.shufflenet_v2 import ShuffleNetV2Space
from tests.search_spaces.any_space import shuffle_settings
from tests.search_spaces.genotypes import draw

SETTINGS = shuffle_settings(
    name="shufflenet_v2",
    widths=(8, 12),
    units=((1,), (1,), (1,)),
    mixers=("static_matrix", "static_dynamic"),
    kron_ranks=(1, 4, 6, 12, 20),
    sum_levels=("full", "factor"),
)


def rearranged(matrix: torch.Tensor, shape: KroneckerShape) -> torch.Tensor:
    """Row (a, b) holds the block at rows a and columns b of the outer factor: its rank is the fewest terms of the matrix."""
    (o1, i1), (o2, i2) = shape.outer, shape.inner
    return matrix.view(o1, o2, i1, i2).permute(0, 2, 1, 3).reshape(o1 * i1, o2 * i2)


@pytest.mark.parametrize(("outer", "inner"), [((2, 2), (4, 4)), ((3, 2), (2, 2)), ((3, 3), (2, 5))])
def test_so_many_terms_make_any_matrix_and_one_less_does_not(outer: tuple[int, int], inner: tuple[int, int]) -> None:
    shape = KroneckerShape(groups=1, outer=outer, inner=inner)
    drawn = torch.randn(outer[0] * inner[0], outer[1] * inner[1], dtype=torch.float64)
    assert torch.linalg.matrix_rank(rearranged(drawn, shape)) == shape.most_terms
    u, s, v = torch.linalg.svd(rearranged(drawn, shape), full_matrices=False)
    terms = (u * s).t().view(-1, *outer), v.view(-1, *inner)
    assert len(terms[0]) == shape.most_terms
    torch.testing.assert_close(summed_terms(*terms), drawn)


@pytest.mark.parametrize("seed", range(20))
def test_terms_that_add_nothing_are_the_same_candidate_as_the_most_that_do(seed: int) -> None:
    space = ShuffleNetV2Space(SETTINGS, image_size=8, channels=1, classes=4)
    genotype = draw(space, random.Random(seed))
    for stage in (1, 2, 3):
        name = f"stage{stage}.kron_rank"
        by_rank = {}
        for rank in SETTINGS.kron_ranks:
            candidate = space.decode({**genotype, name: rank})
            by_rank[rank] = candidate.digest
            architecture = candidate.architecture
        n1, n2 = (architecture[f"stage{stage}.{key}"] for key in ("n1", "n2"))
        assert isinstance(n1, int)
        assert isinstance(n2, int)
        most = 1 if architecture.get(f"stage{stage}.sum_level") == "factor" else min(n1, n2) ** 2
        alike = {rank: min(rank, most) for rank in SETTINGS.kron_ranks}
        for first in by_rank:
            for second in by_rank:
                assert (by_rank[first] == by_rank[second]) == (alike[first] == alike[second])


def test_a_candidate_with_terms_that_add_nothing_is_built_as_it_stands() -> None:
    # Models of before have as many weights as their candidate says.
    space = ShuffleNetV2Space(SETTINGS, image_size=8, channels=1, classes=4)
    genotype = {**draw(space, random.Random(0)), "stage1.kron_rank": 20, "stage1.mixer": "static_matrix"}
    candidate = space.decode(genotype)
    earlier = replace(candidate, architecture={**candidate.architecture, "stage1.kron_rank": 20})
    shapes = [tuple(w.shape) for name, w in space.build(earlier).named_parameters() if "stages.0" in name]
    assert any(shape[0] == 20 and len(shape) == 3 for shape in shapes)
