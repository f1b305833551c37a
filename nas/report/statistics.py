"""What the records of a search say, as the numbers a report shows."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace

from nas.objectives import losses, reference_losses
from nas.pareto import hypervolume, non_dominated
from nas.records import Evaluation, Failure, Measurement, Trial, TrialState
from nas.result import SearchResult


def expected_value(result: SearchResult, trial: Trial) -> float:
    """The learned objective that another training is expected to give; what was measured where there is no estimate."""
    estimate = result.estimates.get(trial.number)
    return learned_value(result, trial).mean if estimate is None else estimate.mean


def trainings(result: SearchResult, trial: Trial) -> int:
    """Trainings of a trained candidate, by its first trial."""
    estimate = result.estimates.get(trial.number)
    return 1 if estimate is None else estimate.trainings


def measured_value(result: SearchResult, trial: Trial) -> Measurement | None:
    """The learned objective that came out of a trial, partial trainings included."""
    return trial.outcome.measurements.get(result.learned.name) if isinstance(trial.outcome, Evaluation) else None


def learned_value(result: SearchResult, trial: Trial) -> Measurement:
    """The learned objective of a trial that has it.

    Raises:
        ValueError: It has none.
    """
    measurement = measured_value(result, trial)
    if measurement is None:
        raise ValueError(f"trial {trial.number} has no {result.learned.name}")
    return measurement


def standard_error(measurement: Measurement) -> float | None:
    """Standard error of a measurement; None where it is one number without a spread, whose error is not known."""
    return None if measurement.n == 1 and measurement.std == 0 else measurement.standard_error


def difference_error(first: Measurement, second: Measurement) -> float | None:
    """Standard error of the difference of two means taken as independent; None where one of them is not known."""
    errors = standard_error(first), standard_error(second)
    return None if errors[0] is None or errors[1] is None else math.hypot(errors[0], errors[1])


def trained(result: SearchResult) -> list[Trial]:
    """Candidates trained at full budget that have the learned objective and a cost, by number: what the pictures draw.

    Of a candidate that was trained several times it is the first trial, with the mean of their values. On a logarithmic axis only
    those have a place whose cost is above 0.
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
    """All trials; of a candidate that was trained several times the first has the mean of their values."""
    shown: dict[int, list[float]] = defaultdict(list)
    for trial in result.trials:
        if trial.state is TrialState.COMPLETE and (measured := measured_value(result, trial)) is not None:
            shown[trial.first].append(measured.mean)
    return [
        _with_mean(result, trial, shown[trial.number]) if len(shown[trial.number]) > 1 else trial
        for trial in result.trials
    ]


def _with_mean(result: SearchResult, trial: Trial, values: list[float]) -> Trial:
    """The trial with the mean; its standard error, of the images alone, stays as it is: they were the same."""
    assert isinstance(trial.outcome, Evaluation)
    pooled = replace(learned_value(result, trial), mean=statistics.fmean(values))
    measurements = {**trial.outcome.measurements, result.learned.name: pooled}
    return replace(trial, outcome=replace(trial.outcome, measurements=measurements))


def staircase(
    result: SearchResult, trials: Iterable[Trial], value: Callable[[Trial], float] | None = None
) -> list[Trial]:
    """The trials that no other beats in the learned objective and the cost of the pictures, cheapest first.

    Args:
        result: The search.
        trials: Those that are compared.
        value: Of the learned objective. Default: what was measured.
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
    """The trials of the front, in its order."""
    by_number = {trial.number: trial for trial in _pooled(result)}
    return [by_number[number] for number in result.front.trials]


def front_line(result: SearchResult) -> list[Trial]:
    """The members of the front that no other is expected to beat in what the pictures draw, cheapest first."""
    return staircase(result, members(result), lambda trial: expected_value(result, trial))


def observed_line(result: SearchResult) -> list[Trial]:
    """The trained candidates that no other was observed to beat, cheapest first; none where that is the front itself."""
    return [] if result.observed is None else staircase(result, trained(result))


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
    """The difference below which two values of the learned objective are the same.

    Twice the standard error of a difference, taken at the median standard error of the front, or of all trained trials where
    there is no front. None where no value carries a standard error.
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
        return "over a limit as costs were counted then, within it now"
    if isinstance(trial.outcome, Failure):
        return " ".join(f"{trial.outcome.kind.value}: {trial.outcome.message}".split())
    return ""
