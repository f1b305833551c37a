"""The statistics of a search that a report shows."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace

from nas.objectives import losses, reference_losses
from nas.pareto import hypervolume, non_dominated
from nas.records import Evaluation, Failure, Measurement, Trial, TrialState
from nas.search.result import SearchResult


def expected_value(result: SearchResult, trial: Trial) -> float:
    """The value of the learned objective that another training is expected to give, or the measured one if there is no estimate."""
    estimate = result.estimates.get(trial.number)
    return learned_value(result, trial).mean if estimate is None else estimate.mean


def trainings(result: SearchResult, trial: Trial) -> int:
    """Number of trainings of a trained candidate, given its first trial."""
    estimate = result.estimates.get(trial.number)
    return 1 if estimate is None else estimate.trainings


def measured_value(result: SearchResult, trial: Trial) -> Measurement | None:
    """The measured learned objective of a trial, including that of a partial training."""
    return trial.outcome.measurements.get(result.learned.name) if isinstance(trial.outcome, Evaluation) else None


def learned_value(result: SearchResult, trial: Trial) -> Measurement:
    """The learned objective of a trial that must have one.

    Raises:
        ValueError: The trial has no learned objective.
    """
    measurement = measured_value(result, trial)
    if measurement is None:
        raise ValueError(f"trial {trial.number} has no {result.learned.name}")
    return measurement


def standard_error(measurement: Measurement) -> float | None:
    """Standard error of a measurement; None for a single number without a spread, whose error is unknown."""
    return None if measurement.n == 1 and measurement.std == 0 else measurement.standard_error


def difference_error(first: Measurement, second: Measurement) -> float | None:
    """Standard error of the difference of two means, taken as independent; None if one of their errors is unknown."""
    errors = standard_error(first), standard_error(second)
    return None if errors[0] is None or errors[1] is None else math.hypot(errors[0], errors[1])


def trained(result: SearchResult) -> list[Trial]:
    """Candidates trained at full budget that have the learned objective and a cost, by number: those that pictures show.

    A candidate that was trained several times is represented by its first trial, with the mean of all its values. If the
    axis of cost is logarithmic, only costs above 0 can be shown.
    """
    cost = result.cost
    return [
        trial
        for trial in _pooled(result)
        if trial.state is TrialState.COMPLETE
        and trial.replicate_of is None
        and measured_value(result, trial) is not None
        and (value := trial.values().get(cost.name)) is not None
        and (value > 0 or not cost.log)
    ]


def _pooled(result: SearchResult) -> list[Trial]:
    """All trials, where the first trial of a candidate that was trained several times has the mean of their values."""
    shown: dict[int, list[float]] = defaultdict(list)
    for trial in result.trials:
        if trial.state is TrialState.COMPLETE and (measured := measured_value(result, trial)) is not None:
            shown[trial.first].append(measured.mean)
    return [
        _with_mean(result, trial, shown[trial.number]) if len(shown[trial.number]) > 1 else trial
        for trial in result.trials
    ]


def _with_mean(result: SearchResult, trial: Trial, values: list[float]) -> Trial:
    """The trial with the mean. Its standard error stays, since it comes from the images alone, and they were the same."""
    assert isinstance(trial.outcome, Evaluation)
    pooled = replace(learned_value(result, trial), mean=statistics.fmean(values))
    measurements = {**trial.outcome.measurements, result.learned.name: pooled}
    return replace(trial, outcome=replace(trial.outcome, measurements=measurements))


def staircase(
    result: SearchResult, trials: Iterable[Trial], value: Callable[[Trial], float] | None = None
) -> list[Trial]:
    """The trials that no other trial beats in the learned objective and the cost of the pictures, cheapest first.

    Args:
        result: The results of the search.
        trials: The trials that are compared.
        value: Gives the value of the learned objective. Default: the measured one.
    """
    pool, axes = list(trials), (result.learned, result.cost)
    points = [
        (
            axes[0].loss(learned_value(result, trial).mean if value is None else value(trial)),
            axes[1].loss(trial.values()[axes[1].name]),
        )
        for trial in pool
    ]
    return [pool[position] for position in non_dominated(points)]


def members(result: SearchResult) -> list[Trial]:
    """The trials on the front, in its order."""
    by_number = {trial.number: trial for trial in _pooled(result)}
    return [by_number[number] for number in result.front.trials]


def front_line(result: SearchResult) -> list[Trial]:
    """The members of the front that no other is expected to beat in the quantities that pictures show, cheapest first."""
    return staircase(result, members(result), lambda trial: expected_value(result, trial))


def observed_line(result: SearchResult) -> list[Trial]:
    """The trained candidates that no other was observed to beat, cheapest first; empty if that is the front itself."""
    return [] if result.observed is None else staircase(result, trained(result))


def hypervolume_steps(result: SearchResult) -> list[tuple[int, float]]:
    """The hypervolume after each trial at full budget, as (trial number, hypervolume).

    It is that of expected values, as they are known now; so the last one is the hypervolume of the front.
    """
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
        point = losses(result.objectives, {**values, result.learned.name: expected_value(result, trial)})
        grown = [*front, point]
        kept = [grown[position] for position in non_dominated(grown)]
        if point in kept and point not in front:
            front = kept
            volume = hypervolume(front, reference)
        steps.append((trial.number, volume))
    return steps


def resolution(result: SearchResult) -> float | None:
    """The difference below which two values of the learned objective count as equal.

    It is twice the standard error of a difference, at the median standard error of the front, or of all trained trials if
    there is no front. It is None if no value has a standard error.
    """
    pool = members(result) or trained(result)
    measurements = [measured_value(result, trial) for trial in pool]
    errors = [error for m in measurements if m is not None and (error := standard_error(m)) is not None]
    return 2 * math.sqrt(2) * statistics.median(errors) if errors else None


def reason(trial: Trial) -> str:
    """Why a trial gave no result, in one line; empty if it gave one."""
    if trial.violations:
        return "; ".join(trial.violations)
    if trial.state is TrialState.UNTRAINED:
        return "over a limit by an earlier count of the costs, within it now"
    if isinstance(trial.outcome, Failure):
        return " ".join(f"{trial.outcome.kind.value}: {trial.outcome.message}".split())
    return ""
