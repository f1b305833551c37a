"""How much training a candidate gets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The length of a full training, in epochs. Schedules (rates, penalties, binarization) are functions of epoch / epochs."""

    epochs: int
    rungs: tuple[int, ...] = ()
    """Numbers of epochs after which a running training is measured, so that it can be judged before its end."""
