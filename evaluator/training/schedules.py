"""Schedules of a training, as functions of the step and the number of steps of the full budget."""

from __future__ import annotations

import math


def learning_rate(step: int, total: int, *, peak: float, warmup: float) -> float:
    """Learning rate of a step: a linear rise to `peak`, then half a cosine that would reach 0 at step `total`.

    Args:
        step: From 0 to total - 1.
        total: Number of steps of the full budget.
        peak: Highest rate, reached at the end of the rise.
        warmup: Share of the steps over which the rate rises, 0 to 1.
    """
    rising = round(warmup * total)
    if step < rising:
        return peak * (step + 1) / rising
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rising) / (total - rising)))


def ramp(step: int, total: int, *, share: float) -> float:
    """A linear rise from 0 to 1 over the first `share` of the steps, then 1."""
    return min(step / (share * total), 1.0) if share > 0 else 1.0


def averaging_decay(step: int, *, decay: float) -> float:
    """Decay of the averaged weights at a step: (1 + step) / (10 + step) until that reaches `decay`.

    In this way the untrained weights of the first steps are forgotten quickly.
    """
    return min(decay, (1 + step) / (10 + step))
