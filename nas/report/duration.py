"""How long a search will take: a range, from what its parts take."""

from __future__ import annotations

import math
from dataclasses import dataclass

FIXED_STARTS = 3.0
"""How often as long as the start of a worker all takes that happens once: the libraries of the search itself, its workers, and the
last report.
"""
SAVED = 0.4
"""Share of the epochs that early stopping saves where it saves much."""
SPREAD = 0.25
"""Relative error of what was timed, on a machine whose other programs come and go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPace:
    """What the parts of a search take, in seconds, while all its workers are busy."""

    start: float
    """Until a worker can begin its first training."""
    unchanged: float
    """The whole training of an unchanged network, measured at its end."""
    drawn: float
    """The whole training of a network drawn from the space, measured at its end."""
    proposal: float
    """The proposal of a network."""


def expected_seconds(
    pace: SearchPace, *, trials: int, known: int, unchanged_share: float, workers: int, stops: bool
) -> tuple[float, float]:
    """The least and the greatest number of seconds that a search from its beginning is expected to take.

    Args:
        pace: What its parts take.
        trials: Number of candidates to train.
        known: Number of unchanged networks that are trained first.
        unchanged_share: Share of the proposed networks that are unchanged.
        workers: Number of candidates trained at the same time.
        stops: Whether trainings may be paused before their end.
    """
    unchanged = min(known, trials) + unchanged_share * max(trials - known, 0)
    trainings = unchanged * pace.unchanged + (trials - unchanged) * pace.drawn
    each = trainings / trials
    busy = min(workers, trials)
    fixed = FIXED_STARTS * pace.start
    proposals = trials * pace.proposal / busy
    # Toward the end there is less to train than there are workers.
    idle = each * (busy - 1) / busy
    low = fixed + (1 - SPREAD / 2) * ((1 - SAVED * stops) * trainings / busy + proposals)
    high = fixed + (1 + SPREAD) * (trainings / busy + idle + proposals)
    return low, high


def range_words(low: float, high: float) -> str:
    """Two numbers of seconds in words, such as "between 2 and 4 minutes"; rounded outwards."""
    for below, unit, size, step in (
        (120, "seconds", 1, 10),
        (7_200, "minutes", 60, 1),
        (172_800, "hours", 3_600, 0.5),
        (math.inf, "days", 86_400, 0.5),
    ):
        if high < below:
            least, most = math.floor(low / size / step) * step, math.ceil(high / size / step) * step
            least = max(least, step if step >= 1 else 0.5)
            return f"between {least:g} and {most:g} {unit}" if least < most else f"about {most:g} {unit}"
    raise AssertionError("unreachable")
