from __future__ import annotations

import math

import pytest

from search_spaces.ranks import at_rank, factor_pairs, group_counts


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
