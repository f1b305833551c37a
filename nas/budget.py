"""How much training a candidate gets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A full training, in epochs. Schedules (rates, penalties, binarization) are functions of epoch / epochs."""

    epochs: int
    rungs: tuple[int, ...] = ()
    """Epochs after which a training is measured on the way, so that it can be judged before its end."""
