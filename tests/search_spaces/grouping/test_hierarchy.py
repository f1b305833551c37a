"""Prices, blocks and levels on matrices that can be written out."""

from __future__ import annotations

import pytest
import torch

from search_spaces.grouping.hierarchy import deepest_level, groups_at, inside, level_that_keeps, prices


def test_prices_of_a_matrix_of_four() -> None:
    whole = [[0, 0.5, 1, 1], [0.5, 0, 1, 1], [1, 1, 0, 0.5], [1, 1, 0.5, 0]]
    assert prices(4, 4).tolist() == whole
    assert prices(4, 4, levels=1).tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]]
    assert prices(4, 4, levels=9).tolist() == whole
    assert prices(4, 4, levels=0).eq(0).all()
    assert prices(4, 4, decay=0.3)[0].tolist() == [0, 0.3, 1, 1]


def test_a_rectangle_is_halved_while_both_sides_are_even() -> None:
    assert prices(4, 2).tolist() == [[0, 1], [0, 1], [1, 0], [1, 0]]
    assert prices(6, 6).unique().tolist() == [0, 1]
    assert prices(3, 4).eq(0).all()
    assert [deepest_level(*sides) for sides in ((8, 8), (8, 4), (6, 6), (3, 4), (12, 16), (1, 1))] == [4, 3, 2, 1, 3, 1]


@pytest.mark.parametrize(("level", "share"), [(1, 1.0), (2, 0.5), (3, 0.25)])
def test_blocks_keep_a_part_for_each_group(level: int, share: float) -> None:
    kept = inside(8, 4, level)
    assert kept.float().mean() == share == 1 / groups_at(level)
    assert (
        torch.block_diag(*[torch.ones(8 // groups_at(level), 4 // groups_at(level))] * groups_at(level))
        .bool()
        .equal(kept)
    )


def test_the_level_is_the_deepest_that_keeps_enough() -> None:
    """Of 100: 60 in the four diagonal entries, 30 more in the blocks of two, 10 outside."""
    norms = torch.tensor([[15, 7.5, 2.5, 0], [7.5, 15, 0, 2.5], [2.5, 0, 15, 7.5], [0, 2.5, 7.5, 15]])
    assert [level_that_keeps(norms, share) for share in (1.0, 0.91, 0.89, 0.61, 0.59, 0.0)] == [1, 1, 2, 2, 3, 3]
    assert level_that_keeps(torch.zeros(4, 4), 0.9) == 3
    assert level_that_keeps(torch.ones(3, 4), 0.0) == 1
