"""The rule: a training is paused when even its optimistic end would not reach the front.

At a rung the optimistic end is the accuracy there, plus what finished trainings of its cost and class gained from there, plus the
97 % quantile of by how much they gained more than that. It is compared with the best end among networks that cost at most 5 %
more. One in twenty goes on regardless, so that the expected gain is not learnt from survivors alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nas.early_stopping.curves import Course, Curves
from nas.seeds import derive_seed

LEAST_FINISHED = 8
"""Finished trainings without which none is paused."""
LEAST_OF_KIND = 4
"""Finished trainings of its own class without which one is not paused."""
QUANTILE = 0.97
COST_SLACK = float(np.log10(1.05))
EXEMPT = 0.05
RIDGE = 1.0
"""Weight of the penalty on the classes' own gains, in trainings: a class with few is near the mean of all."""


class BoundRule:
    """Pauses what cannot reach the front (see the module).

    Args:
        seed: Draws those that go on regardless.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def pauses(self, curves: Curves, trial: int, epochs: int) -> bool:
        """Whether this training, measured after so many epochs, should wait."""
        course = curves[trial]
        finished = curves.finished(epochs)
        of_kind = [each for each in finished if each.kind == course.kind]
        if len(finished) < LEAST_FINISHED or len(of_kind) < LEAST_OF_KIND or self._exempt(trial):
            return False
        affordable = [
            each.final
            for each in curves.complete()
            if each.final is not None and each.log_cost <= course.log_cost + COST_SLACK
        ]
        return bool(affordable) and course.rungs[epochs] + optimistic_gain(course, finished, epochs) <= max(affordable)

    def _exempt(self, trial: int) -> bool:
        return bool(np.random.default_rng(derive_seed(self._seed, "exempt", trial)).random() < EXEMPT)


def optimistic_gain(course: Course, finished: list[Course], epochs: int) -> float:
    """What a training may still gain after so many epochs, in points: the expected gain and a quantile of what is above it."""
    kinds = sorted({each.kind for each in finished})
    middle = float(np.mean([each.log_cost for each in finished]))

    def row(each: Course) -> list[float]:
        return [1.0, each.log_cost - middle, *(float(each.kind == kind) for kind in kinds)]

    design: NDArray[np.float64] = np.array([row(each) for each in finished])
    gains = np.array([(each.final or 0.0) - each.rungs[epochs] for each in finished])
    penalty = np.diag([1e-6, 0.1, *[RIDGE] * len(kinds)])
    inverse = np.linalg.inv(design.T @ design + penalty)
    weights = inverse @ design.T @ gains
    # Each as if it had not been fitted to: with few trainings the fit is nearer to them than to the next one.
    residuals = (gains - design @ weights) / (1.0 - np.einsum("ij,jk,ik->i", design, inverse, design))
    return float(np.array(row(course)) @ weights + np.quantile(residuals, QUANTILE))
