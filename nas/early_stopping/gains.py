"""How much a training may still gain after a rung: a ridge regression on finished trainings, and its errors.

The features are what is known at the rung: the scores up to there, the cost, the kind and the decisions. Early scores rank
networks badly, and the regression learns how little they say. A decision may set the pace: a high learning rate gains late.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nas.dimensions import Scalar
from nas.early_stopping.curves import Course

Array = NDArray[np.float64]

RIDGE = 10.0
"""Weight of the penalty, in trainings: a value that few trainings had is estimated near the mean of all."""


class Gains:
    """The gains of finished trainings from a rung to their end, and a forecast for others.

    Args:
        finished: Finished trainings that were measured at the rung.
        epochs: Number of epochs at the rung.
    """

    def __init__(self, finished: Sequence[Course], epochs: int) -> None:
        self._epochs = epochs
        known = [_known(each, epochs) for each in finished]
        names = sorted({name for each in known for name in each})
        self._columns = [column for name in names for column in _columns(name, [each.get(name) for each in known])]
        design = self._design(known)
        gains = np.array([(each.final or 0.0) - each.rungs[epochs] for each in finished])
        penalty = np.diag([1e-6, *[RIDGE] * len(self._columns)])
        inverse = np.linalg.inv(design.T @ design + penalty)
        self._weights = inverse @ design.T @ gains
        left_in = np.einsum("ij,jk,ik->i", design, inverse, design)
        self.errors: Array = (gains - design @ self._weights) / (1.0 - left_in)
        """For each training, how much more it gained than was expected when it was left out of the fit."""

    def expected(self, course: Course) -> float:
        """The gain that is expected of a training from the rung to its end."""
        return float(self._design([_known(course, self._epochs)])[0] @ self._weights)

    def _design(self, known: Sequence[dict[str, Scalar]]) -> Array:
        return np.array([[1.0, *(column(each.get(column.name)) for column in self._columns)] for each in known])


class _Number:
    """A numeric feature, in standard deviations from its mean. A missing value is replaced by the mean."""

    def __init__(self, name: str, values: Sequence[float]) -> None:
        self.name = name
        self._middle, self._spread = float(np.mean(values)), float(np.std(values)) or 1.0

    def __call__(self, value: Scalar | None) -> float:
        return 0.0 if value is None else (float(value) - self._middle) / self._spread


class _Is:
    """A feature that is 1 where a decision has one particular value, else 0."""

    def __init__(self, name: str, value: Scalar) -> None:
        self.name = name
        self._value = value

    def __call__(self, value: Scalar | None) -> float:
        return float(value == self._value)


def _known(course: Course, epochs: int) -> dict[str, Scalar]:
    """Everything that is known about a training at a rung, by name."""
    scores = {f"score {rung}": score for rung, score in course.rungs.items() if rung <= epochs}
    return {"log cost": course.log_cost, "class": course.kind, **scores, **course.decisions}


def _columns(name: str, values: Sequence[Scalar | None]) -> list[_Number | _Is]:
    there = [value for value in values if value is not None]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in there):
        return [_Number(name, [float(value) for value in there])]
    return [_Is(name, value) for value in sorted(set(there), key=str)]
