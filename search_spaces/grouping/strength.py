"""How strongly weights are pulled to their groups, and which level each convolution takes in the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from search_spaces.grouping.hierarchy import groups_at

STEP = 2e-6
"""Step by which the weight of the penalty changes per epoch."""
BISECTIONS = 10
MARGIN = 0.01
"""Margin of the removed share: so much more than asked is close enough."""


@dataclass(slots=True)
class Strength:
    """The weight of the penalty, which is raised while too little is removed and lowered once enough is."""

    target: float
    """Share of the multiply-adds to remove."""
    epochs: int
    """Number of epochs in which the target is to be reached."""
    value: float = 0.0
    step: float = STEP
    reached: float = 0.0
    """Share of the multiply-adds that was removed after the last epoch."""

    def after(self, epoch: int, removed: float) -> float:
        """The penalty's weight for the next epochs.

        Args:
            epoch: Number of epochs done.
            removed: Share of the multiply-adds that the present levels remove.
        """
        gain, self.reached = removed - self.reached, removed
        if removed >= self.target:
            self.value = max(0.0, self.value - self.step)
        elif gain < (self.target - removed) / max(self.epochs - epoch, 1):
            self.value += self.step
        return self.value


def removed_share(dense: Sequence[int], levels: Sequence[int]) -> float:
    """Share of the multiply-adds that the levels remove, 0 to 1.

    Args:
        dense: Multiply-adds of each dense convolution.
        levels: Level of each convolution.
    """
    kept = sum(macs / groups_at(level) for macs, level in zip(dense, levels, strict=True))
    return 1 - kept / sum(dense)


def levels_for(
    target: float, dense: Sequence[int], level_at: Callable[[float], Sequence[int]]
) -> tuple[list[int], float]:
    """The levels that remove at least a share of the multiply-adds, and the least share of its norms that each keeps.

    A kept share that is the same for all convolutions is found by bisection: the smaller it is, the deeper are the levels.

    Args:
        target: Share of the multiply-adds to remove.
        dense: Multiply-adds of each dense convolution.
        level_at: Gives the levels of all convolutions for a kept share.

    Raises:
        ValueError: Not even the deepest levels remove so much; the message says what they remove.
    """
    enough, too_much_kept = 0.0, 1.0
    levels = list(level_at(enough))
    removed = removed_share(dense, levels)
    if removed < target:
        raise ValueError(
            f"{target:.0%} of the multiply-adds cannot be removed: the deepest groups remove {removed:.0%}"
        )
    for _ in range(BISECTIONS):
        if removed <= target + MARGIN:
            break
        middle = (enough + too_much_kept) / 2
        found = list(level_at(middle))
        share = removed_share(dense, found)
        if share >= target:
            enough, levels, removed = middle, found, share
        else:
            too_much_kept = middle
    return levels, enough
