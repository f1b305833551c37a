"""Compares two ways of training by paired runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, stdev

LEVEL = 0.05
"""Largest probability of holding any claim of a table wrongly, over all its claims together."""


class Verdict(StrEnum):
    """What paired runs say about the claim that a difference is above zero."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    """The difference is below zero."""
    NOT_RESOLVED = "not resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """Mean difference of paired runs, by Student's t."""

    mean: float
    half_width: float
    """Half the width of the 95% interval around the mean; infinite for one pair, or for pairs without spread."""
    p: float
    """Two-sided probability of a mean at least so far from 0 if the true one were 0; 1 for one pair, or without spread."""
    pairs: int


def paired_difference(first: Sequence[float], second: Sequence[float]) -> PairedDifference:
    """The difference `first` - `second` over pairs.

    Args:
        first: A value for each pair.
        second: The other value of each pair, in the same order; at least one.
    """
    from scipy.stats import t

    differences = [a - b for a, b in zip(first, second, strict=True)]
    n = len(differences)
    mean = fmean(differences)
    if n < 2:
        return PairedDifference(mean=mean, half_width=math.inf, p=1.0, pairs=n)
    error = stdev(differences) / math.sqrt(n)
    if error == 0:  # rounded values may agree by chance, and Student's t needs a spread that was observed
        return PairedDifference(mean=mean, half_width=math.inf if mean else 0.0, p=1.0, pairs=n)
    return PairedDifference(
        mean=mean,
        half_width=float(t.ppf(1 - LEVEL / 2, n - 1)) * error,
        p=float(2 * t.sf(abs(mean) / error, n - 1)),
        pairs=n,
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values adjusted so that each may be compared with the level, however many there are.

    Source: Holm, Scandinavian Journal of Statistics 6, 1979.
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = largest
    return adjusted


def verdict(difference: PairedDifference, adjusted_p: float) -> Verdict:
    """Whether it is supported that the difference is above zero, refuted, or neither."""
    if adjusted_p >= LEVEL:
        return Verdict.NOT_RESOLVED
    return Verdict.SUPPORTED if difference.mean > 0 else Verdict.REFUTED


def joint(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict on a claim that holds only if all its parts do."""
    if Verdict.REFUTED in verdicts:
        return Verdict.REFUTED
    return Verdict.SUPPORTED if all(one is Verdict.SUPPORTED for one in verdicts) else Verdict.NOT_RESOLVED
