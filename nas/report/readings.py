"""What the records of a search say, as the numbers a report shows."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable

from nas.objectives import Kind, Objective, losses, reference_losses
from nas.pareto import hypervolume, non_dominated
from nas.records import Evaluation, Failure, Measurement, Trial, TrialState
from nas.result import SearchResult

ACCURACY = "accuracy"


def measured_accuracy(trial: Trial) -> Measurement | None:
    """The accuracy in percent that came out of a trial, partial trainings included."""
    return trial.outcome.measurements.get(ACCURACY) if isinstance(trial.outcome, Evaluation) else None


def standard_error(measurement: Measurement) -> float | None:
    """Standard error of a measurement; None where it is one number without a spread, whose error is not known."""
    return None if measurement.n == 1 and measurement.std == 0 else measurement.standard_error


def difference_error(first: Measurement, second: Measurement) -> float | None:
    """Standard error of the difference of two means taken as independent; None where one of them is not known."""
    errors = standard_error(first), standard_error(second)
    return None if errors[0] is None or errors[1] is None else math.hypot(errors[0], errors[1])


def cost_objective(result: SearchResult) -> Objective | None:
    """The objective that is drawn along the cost axis: the first that is known before training."""
    return next((objective for objective in result.objectives if objective.kind is not Kind.LEARNED), None)


def cost_name(result: SearchResult) -> str:
    """Name of the value along the cost axis; multiply-adds where the search has no cost among its objectives."""
    objective = cost_objective(result)
    return "macs" if objective is None else objective.name


def trained(result: SearchResult) -> list[Trial]:
    """Trials at full budget with an accuracy and a positive cost, by number: what the pictures draw."""
    cost = cost_name(result)
    return [
        trial
        for trial in result.trials
        if trial.state is TrialState.COMPLETE
        and measured_accuracy(trial) is not None
        and trial.values().get(cost, 0.0) > 0
    ]


def accuracy_of(trial: Trial) -> Measurement:
    """The accuracy of a trial that has one.

    Raises:
        ValueError: It has none.
    """
    measurement = measured_accuracy(trial)
    if measurement is None:
        raise ValueError(f"trial {trial.number} has no accuracy")
    return measurement


def staircase(trials: Iterable[Trial], cost: str) -> list[Trial]:
    """The trials that no other beats in accuracy and this cost, cheapest first."""
    pool = list(trials)
    points = [(-accuracy_of(trial).mean, trial.values()[cost]) for trial in pool]
    return [pool[position] for position in non_dominated(points)]


def members(result: SearchResult) -> list[Trial]:
    """The trials of the front, in its order."""
    by_number = {trial.number: trial for trial in result.trials}
    return [by_number[number] for number in result.front.trials]


def hypervolume_steps(result: SearchResult) -> list[tuple[int, float]]:
    """Hypervolume of the trials at full budget up to each of them, as (trial number, hypervolume)."""
    reference = reference_losses(result.objectives)
    front: list[tuple[float, ...]] = []
    steps: list[tuple[int, float]] = []
    volume = 0.0
    for trial in result.trials:
        values = trial.values()
        if trial.state is not TrialState.COMPLETE or any(o.name not in values for o in result.objectives):
            continue
        point = losses(result.objectives, values)
        grown = [*front, point]
        kept = [grown[position] for position in non_dominated(grown)]
        if point in kept and point not in front:
            front = kept
            volume = hypervolume(front, reference)
        steps.append((trial.number, volume))
    return steps


def resolution(result: SearchResult) -> float | None:
    """The difference in points below which two accuracies of this search are the same.

    Twice the standard error of a difference, taken at the median standard error of the front, or of all trained trials where
    there is no front. None where no accuracy carries a standard error.
    """
    pool = members(result) or trained(result)
    measurements = [measured_accuracy(trial) for trial in pool]
    errors = [error for m in measurements if m is not None and (error := standard_error(m)) is not None]
    return 2 * math.sqrt(2) * statistics.median(errors) if errors else None


def reason(trial: Trial) -> str:
    """Why a trial gave no result, in one line; empty if it gave one."""
    if trial.violations:
        return "; ".join(trial.violations)
    if isinstance(trial.outcome, Failure):
        return " ".join(f"{trial.outcome.kind.value}: {trial.outcome.message}".split())
    return ""
