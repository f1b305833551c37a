"""Counts of trials at which something costly is recomputed, so that in a long search this is not done for every trial."""

from __future__ import annotations

FIRST = 2


def milestone(count: int, growth: float) -> int:
    """The largest milestone up to a count of at least two. Milestones grow by a constant factor, and by at least one."""
    found = FIRST
    while (following := max(found + 1, int(found * growth))) <= count:
        found = following
    return found
