"""What casts doubt on a front: trainings that were too short, networks that only guess, too few images to choose by."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise

from nas.records import Evaluation, Trial
from nas.report.findings.statistics import expected_value, learned_value, members, resolution, standard_error
from nas.report.images import majority
from nas.search.result import SearchResult


def gain_per_epoch(result: SearchResult, trial: Trial) -> float | None:
    """How much the learned objective of a trained network still improved per epoch at the end of its training.

    It is positive for an improvement, whatever the direction, and taken from the last two points at which it was measured.
    None if there are no two.
    """
    outcome, learned = trial.outcome, result.learned
    curve = outcome.details.get("curve") if isinstance(outcome, Evaluation) else None
    points = [
        (float(point["epoch"]), float(point[learned.name]))
        for point in (curve if isinstance(curve, Sequence) else ())
        if isinstance(point, Mapping) and isinstance(point.get(learned.name), int | float) and "epoch" in point
    ]
    if len(points) < 2 or points[-1][0] <= points[-2][0]:
        return None
    (before, was), (after, is_now) = points[-2:]
    return (learned.loss(was) - learned.loss(is_now)) / (after - before)


def still_rising(result: SearchResult) -> float | None:
    """The median gain per epoch of the front's networks at the end of their trainings, if it is large; else None.

    It is large if four more epochs at this pace would give a difference that the validation images can resolve.
    """
    gains = [gain for trial in members(result) if (gain := gain_per_epoch(result, trial)) is not None]
    least = resolution(result)
    if not gains or least is None:
        return None
    median = statistics.median(gains)
    return median if 4 * median > least else None


def only_guesses(result: SearchResult, trial: Trial) -> bool:
    """Whether a trained network is no better than guessing by more than a standard error.

    Guessing is always answering the commonest class, where that is known, or whatever the reference of the objective stands for.
    """
    learned = result.learned
    values = [learned.reference]
    if learned.beside_majority and (alone := majority(result.data)) is not None:
        values.append(alone)
    error = standard_error(learned_value(result, trial)) or 0.0
    best_guess = min(map(learned.loss, values))
    return learned.loss(expected_value(result, trial)) >= best_guess - error


def nothing_learned(result: SearchResult) -> bool:
    """Whether every network of the front only guesses."""
    front = members(result)
    return bool(front) and all(only_guesses(result, trial) for trial in front)


def common_error(result: SearchResult) -> float | None:
    """Half the width of the 95 % interval of what all values of the front have in common: the draw of the validation images.

    It is as large as if the same images were hard for all networks, which is nearly so for networks of one family. None if no
    standard error is known.
    """
    errors = [error for trial in members(result) if (error := standard_error(learned_value(result, trial))) is not None]
    return 1.96 * statistics.median(errors) if errors else None


def images_for_steps(result: SearchResult) -> tuple[float, int] | None:
    """The median step between neighbours on the front, and how many validation images would resolve it.

    None if the images there are resolve it, or nothing is known.
    """
    values = sorted(expected_value(result, trial) for trial in members(result))
    steps = [after - before for before, after in pairwise(values) if after > before]
    least, images = resolution(result), result.data.get("validation")
    if not steps or least is None or not isinstance(images, int):
        return None
    step = statistics.median(steps)
    return (step, round(images * (least / step) ** 2)) if step < least else None
