"""The numbers of a comparison: hypervolume over what was spent, and which values a share of repeated searches attains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nas.report.findings.statistics import expected_value, front_line, hypervolume_steps
from nas.search.result import SearchResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """The hypervolume of a search after each of its trainings, and what had been spent by then."""

    trials: tuple[int, ...]
    """Number of trainings."""
    epochs: tuple[int, ...]
    """Epochs of all trainings so far, also of those that gave no result."""
    hours: tuple[float, ...]
    """Seconds of all trainings so far, in hours; workers beside each other count each."""
    hypervolume: tuple[float, ...]


def growth(result: SearchResult) -> Growth:
    """How a search grew, in the order of its trials, measured from the references of its objectives."""
    volumes = dict(hypervolume_steps(result))
    trials, epochs, hours, volume = [], [], [], []
    spent_epochs, spent_seconds, count = 0, 0.0, 0
    for trial in result.trials:
        if trial.outcome is None or trial.reused_from is not None:
            continue
        spent_epochs += trial.outcome.epochs
        spent_seconds += trial.outcome.seconds
        count += 1
        if trial.number in volumes:
            trials.append(count)
            epochs.append(spent_epochs)
            hours.append(spent_seconds / 3600)
            volume.append(volumes[trial.number])
    return Growth(trials=tuple(trials), epochs=tuple(epochs), hours=tuple(hours), hypervolume=tuple(volume))


def attained(results: Sequence[SearchResult], share: float) -> list[tuple[float, float]]:
    """The summary attainment surface: at each cost the value that this share of the searches reaches at no greater cost.

    Source: Fonseca and Fleming, "On the performance assessment and comparison of stochastic multiobjective optimizers" (1996);
    Knowles, "A summary-attainment-surface plotting method" (2005).

    Args:
        results: Searches with the same objectives.
        share: Share of the searches, above 0 and at most 1; a half gives the median surface.

    Returns:
        Points (cost, value) with costs ascending, from the first cost at which so many searches have a network.
    """
    learned, cost = results[0].learned, results[0].cost
    fronts = [
        sorted(
            (
                cost.loss(trial.values()[cost.name]),
                learned.loss(expected_value(result, trial)),
                trial.values()[cost.name],
            )
            for trial in front_line(result)
        )
        for result in results
    ]
    needed = math.ceil(share * len(results) - 1e-9)
    points: list[tuple[float, float]] = []
    for at, _, amount in sorted(point for front in fronts for point in front):
        best = sorted(min(losses) for front in fronts if (losses := [loss for place, loss, _ in front if place <= at]))
        if len(best) < needed:
            continue
        score = -best[needed - 1]
        value = learned.value_of(score)
        if not points or value != points[-1][1]:
            points.append((amount, value))
    return points
