"""What the records of a search say, as the numbers a report shows."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace

from nas.objectives import Kind, Objective, losses, reference_losses
from nas.pareto import hypervolume, non_dominated
from nas.records import ACCURACY, Evaluation, Failure, Measurement, Trial, TrialState
from nas.result import SearchResult


def expected_accuracy(result: SearchResult, trial: Trial) -> float:
    """The accuracy in percent that another training is expected to give; what was measured where there is no estimate."""
    estimate = result.estimates.get(trial.number)
    return accuracy_of(trial).mean if estimate is None else estimate.mean


def trainings(result: SearchResult, trial: Trial) -> int:
    """Trainings of a trained candidate, by its first trial."""
    estimate = result.estimates.get(trial.number)
    return 1 if estimate is None else estimate.trainings


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
    """Candidates trained at full budget that have an accuracy and a positive cost, by number: what the pictures draw.

    Of a candidate that was trained several times it is the first trial, with the mean of their accuracies.
    """
    cost = cost_name(result)
    return [
        trial
        for trial in _pooled(result)
        if trial.state is TrialState.COMPLETE
        and trial.replicate_of is None
        and measured_accuracy(trial) is not None
        and trial.values().get(cost, 0.0) > 0
    ]


def _pooled(result: SearchResult) -> list[Trial]:
    """All trials; of a candidate that was trained several times the first has the mean of their accuracies."""
    shown: dict[int, list[float]] = defaultdict(list)
    for trial in result.trials:
        if trial.state is TrialState.COMPLETE and (accuracy := measured_accuracy(trial)) is not None:
            shown[trial.first].append(accuracy.mean)
    return [
        _with_mean(trial, shown[trial.number]) if len(shown[trial.number]) > 1 else trial for trial in result.trials
    ]


def _with_mean(trial: Trial, accuracies: list[float]) -> Trial:
    """The trial with the mean; its standard error, of the images alone, stays as it is: they were the same."""
    assert isinstance(trial.outcome, Evaluation)
    pooled = replace(accuracy_of(trial), mean=statistics.fmean(accuracies))
    return replace(trial, outcome=replace(trial.outcome, measurements={**trial.outcome.measurements, ACCURACY: pooled}))


def accuracy_of(trial: Trial) -> Measurement:
    """The accuracy of a trial that has one.

    Raises:
        ValueError: It has none.
    """
    measurement = measured_accuracy(trial)
    if measurement is None:
        raise ValueError(f"trial {trial.number} has no accuracy")
    return measurement


def measured(trial: Trial) -> float:
    """The accuracy of a trial that has one."""
    return accuracy_of(trial).mean


def staircase(trials: Iterable[Trial], cost: str, accuracy: Callable[[Trial], float] = measured) -> list[Trial]:
    """The trials that no other beats in accuracy and this cost, cheapest first."""
    pool = list(trials)
    points = [(-accuracy(trial), trial.values()[cost]) for trial in pool]
    return [pool[position] for position in non_dominated(points)]


def members(result: SearchResult) -> list[Trial]:
    """The trials of the front, in its order."""
    by_number = {trial.number: trial for trial in _pooled(result)}
    return [by_number[number] for number in result.front.trials]


def front_line(result: SearchResult) -> list[Trial]:
    """The members of the front that no other is expected to beat in accuracy and the cost of the pictures, cheapest first."""
    return staircase(members(result), cost_name(result), lambda trial: expected_accuracy(result, trial))


def observed_line(result: SearchResult) -> list[Trial]:
    """The trained candidates that no other was observed to beat, cheapest first; none where that is the front itself."""
    line = staircase(trained(result), cost_name(result))
    return [] if result.observed is None else line


def hypervolume_steps(result: SearchResult) -> list[tuple[int, float]]:
    """Hypervolume of the trials at full budget up to each of them, as (trial number, hypervolume)."""
    reference = reference_losses(result.objectives)
    front: list[tuple[float, ...]] = []
    steps: list[tuple[int, float]] = []
    volume = 0.0
    for trial in result.trials:
        values = trial.values()
        if (
            trial.state is not TrialState.COMPLETE
            or trial.replicate_of is not None
            or any(o.name not in values for o in result.objectives)
        ):
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
    if trial.state is TrialState.UNTRAINED:
        return "over a limit as costs were counted then, within it now"
    if isinstance(trial.outcome, Failure):
        return " ".join(f"{trial.outcome.kind.value}: {trial.outcome.message}".split())
    return ""
