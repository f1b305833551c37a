"""Counts at which something costly is computed anew, so that over a long search it is not done for every trial."""

from __future__ import annotations

FIRST = 2


def milestone(count: int, growth: float) -> int:
    """The largest milestone up to a count of at least two; each is so many times the one before, and at least one more."""
    found = FIRST
    while (following := max(found + 1, int(found * growth))) <= count:
        found = following
    return found
