"""How much training a candidate gets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A full training, in epochs. Schedules (rates, penalties, binarization) are functions of epoch / epochs."""

    epochs: int
