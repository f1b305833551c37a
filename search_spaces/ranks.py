"""Which group counts and Kronecker pairs fit a number of channels, in the order in which a search numbers them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TypeVar

T = TypeVar("T")


def factor_pairs(group_channels: int, max_factor: int) -> tuple[tuple[int, int], ...]:
    """Ordered pairs (n1, n2) with n1 n2 = `group_channels` and 2 <= n1, n2 <= `max_factor`, nearest to square first.

    Both orders are offered, n1 < n2 first: in ShuffleNetV2 the next unit splits the channels in halves, so for an even n1
    only the first factor decides what is processed and what is passed on.
    """
    pairs = [
        (n1, group_channels // n1)
        for n1 in range(2, min(max_factor, group_channels // 2) + 1)
        if group_channels % n1 == 0 and 2 <= group_channels // n1 <= max_factor
    ]
    return tuple(sorted(pairs, key=lambda pair: (max(pair) - min(pair), pair[0])))


def group_counts(channels: int, host_groups: int, max_factor: int) -> tuple[int, ...]:
    """Divisors g of `channels` whose group of channels / g has a factor pair, nearest to `host_groups` in ratio first.

    Of two that are equally near the smaller comes first. Empty when nothing fits.
    """
    legal = [g for g in range(1, channels + 1) if channels % g == 0 and factor_pairs(channels // g, max_factor)]
    # |log(g / host)| ordered exactly: a float logarithm could split ties such as 1 and 4 around a host of 2.
    return tuple(sorted(legal, key=lambda g: (max(Fraction(g, host_groups), Fraction(host_groups, g)), g)))


def at_rank(legal: Sequence[T], rank: int) -> T:
    """The entry of this rank, or the last one where there are fewer."""
    return legal[min(rank, len(legal) - 1)]
