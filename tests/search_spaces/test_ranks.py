from __future__ import annotations

import itertools
import math

import pytest

from search_spaces.blocks.spec import KroneckerShape
from search_spaces.ranks import KroneckerRanks, Layer, at_rank, factor_pairs, factor_shapes, group_counts


@pytest.mark.parametrize(("group_channels", "max_factor"), [(24, 32), (58, 32), (58, 16), (64, 8), (61, 32), (4, 2)])
def test_factor_pairs_are_all_ordered_pairs_within_bounds(group_channels: int, max_factor: int) -> None:
    bounds = range(2, max_factor + 1)
    expected = {(a, b) for a in bounds for b in bounds if a * b == group_channels}
    pairs = factor_pairs(group_channels, max_factor)
    assert set(pairs) == expected
    assert len(pairs) == len(expected)


def test_factor_pairs_come_nearest_to_square_first_and_the_smaller_outer_factor_first() -> None:
    assert factor_pairs(24, 32) == ((4, 6), (6, 4), (3, 8), (8, 3), (2, 12), (12, 2))
    assert factor_pairs(16, 32) == ((4, 4), (2, 8), (8, 2))


@pytest.mark.parametrize(
    ("channels", "pair"),
    [
        (20, (4, 5)),
        (40, (5, 8)),
        (80, (8, 10)),
        (12, (3, 4)),
        (48, (6, 8)),
        (88, (8, 11)),
        (58, (2, 29)),
        (232, (8, 29)),
    ],
)
def test_first_pair_is_the_published_choice(channels: int, pair: tuple[int, int]) -> None:
    assert factor_pairs(channels, 32)[0] == pair  # docs: nearest-to-square divisors, methods A.3


@pytest.mark.parametrize(("channels", "host"), [(48, 2), (116, 2), (244, 2), (96, 8), (60, 3), (36, 1)])
def test_group_counts_are_all_that_fit_nearest_to_the_host_first(channels: int, host: int) -> None:
    counts = group_counts(channels, host, 32)
    assert set(counts) == {g for g in range(1, channels + 1) if channels % g == 0 and factor_pairs(channels // g, 32)}
    distances = [(round(abs(math.log(g / host)), 9), g) for g in counts]
    assert distances == sorted(distances)


def test_the_hosts_own_group_count_is_rank_zero_where_it_fits() -> None:
    assert group_counts(48, 2, 32)[0] == 2
    assert group_counts(60, 3, 32)[0] == 3


def test_of_two_group_counts_equally_near_the_smaller_is_first() -> None:
    assert group_counts(48, 2, 32)[:3] == (2, 3, 1)
    assert group_counts(64, 2, 32)[:3] == (2, 1, 4)


def test_twice_a_large_prime_fits_nothing() -> None:
    assert group_counts(74, 2, 32) == ()


def test_a_rank_beyond_the_last_is_the_last() -> None:
    assert [at_rank((5, 6), rank) for rank in range(4)] == [5, 6, 6, 6]


@pytest.mark.parametrize(("inputs", "outputs"), [(16, 64), (64, 16), (24, 24), (18, 12), (12, 8)])
def test_factor_shapes_are_all_that_fit_and_can_be_valid_nearest_to_square_first(inputs: int, outputs: int) -> None:
    sides = range(2, 17)
    expected = {
        ((o1, i1), (o2, i2))
        for o1, i1, o2, i2 in itertools.product(sides, repeat=4)
        if (i1 * i2, o1 * o2) == (inputs, outputs) and (o1 - i1) * (o2 - i2) >= 0
    }
    shapes = factor_shapes(inputs, outputs, 16)
    assert set(shapes) == expected
    assert len(shapes) == len(expected)
    distances = [abs(o1 - o2) + abs(i1 - i2) for (o1, i1), (o2, i2) in shapes]
    assert distances == sorted(distances)


def test_a_factor_that_widens_beside_one_that_narrows_is_never_valid() -> None:
    # 4 x 6 channels to 6 x 4: at most 4 outer and 4 inner columns are read, 16 of 24 channels.
    assert ((6, 4), (4, 6)) not in factor_shapes(24, 24, 32)
    assert {(o1, i1) for (o1, i1), _ in factor_shapes(24, 24, 32)} == {(n, n) for n, _ in factor_pairs(24, 32)}


def test_group_counts_of_a_rectangle_divide_inputs_and_outputs_and_leave_factors() -> None:
    assert group_counts(24, 1, 32, 16) == (1, 2, 4)  # 8 groups of 3 inputs and 2 outputs have no factors
    assert group_counts(24, 4, 32, 16) == (4, 2, 1)
    assert group_counts(24, 1, 32, 23) == ()


def test_smallest_ranks_mean_the_same_for_every_layer() -> None:
    ranks = KroneckerRanks(group_ranks=3, pair_ranks=4, max_factor=32)
    layers = [Layer(inputs=16, outputs=64), Layer(inputs=8, outputs=32)]
    shapes: dict[tuple[KroneckerShape | None, ...], tuple[int, int]] = {}
    for pair in itertools.product(range(3), range(4)):
        meaning = tuple(ranks.shape(layer, pair) for layer in layers)
        shapes.setdefault(meaning, pair)
        assert ranks.smallest(layers, pair) == shapes[meaning]
    assert len(shapes) < 12
    assert ranks.shape(Layer(inputs=16, outputs=64), (0, 0)) == KroneckerShape(groups=1, outer=(8, 4), inner=(8, 4))
    assert ranks.shape(Layer(inputs=122, outputs=122), (0, 0)) is None
