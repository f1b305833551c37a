"""The weight of the penalty, and the levels that are taken in the end."""

from __future__ import annotations

import pytest

from search_spaces.grouping.strength import STEP, Strength, levels_for, removed_share


def test_the_weight_rises_while_the_gain_is_too_small_and_falls_when_the_target_is_reached() -> None:
    strength = Strength(target=0.5, epochs=10)
    assert strength.after(1, 0.0) == STEP
    assert strength.after(2, 0.2) == STEP, "a gain of 0.2 is more than the 0.3 / 8 an epoch that it takes"
    assert strength.after(3, 0.21) == 2 * STEP
    assert strength.after(4, 0.5) == STEP
    assert strength.after(5, 0.6) == 0.0
    assert strength.after(6, 0.6) == 0.0
    assert strength.after(10, 0.4) == STEP


def test_the_removed_share_is_of_multiply_adds() -> None:
    assert removed_share([100, 300], [1, 1]) == 0
    assert removed_share([100, 300], [2, 1]) == 50 / 400
    assert removed_share([100, 300], [1, 3]) == pytest.approx(225 / 400)


def test_the_least_that_removes_enough_is_taken() -> None:
    """Two convolutions that give way at different shares kept: 0.8 and 0.4 for two groups, 0.3 and 0.1 for four."""

    def level_at(share: float) -> list[int]:
        return [1 + (share <= 0.8) + (share <= 0.3), 1 + (share <= 0.4) + (share <= 0.1)]

    for target, levels in ((0.2, [2, 1]), (0.45, [2, 2]), (0.6, [3, 2]), (0.75, [3, 3])):
        found, kept = levels_for(target, [100, 100], level_at)
        assert found == levels
        assert list(level_at(kept)) == levels
    with pytest.raises(ValueError, match=r"80% .* cannot be removed: the deepest groups remove 75%"):
        levels_for(0.8, [100, 100], level_at)
