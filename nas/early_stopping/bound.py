"""The stopping rule that pauses a training if even an optimistic forecast of its end does not reach the front.

At a rung the optimistic end is the score there, plus the gain that finished trainings lead to expect, plus the 97 %
quantile of how much these gained beyond expectation. It is compared with the best end among networks that cost at most 5 %
more. One training in twenty goes on regardless, so that the expected gain is not learnt from survivors alone.
"""

from __future__ import annotations

import numpy as np

from nas.early_stopping.curves import Course, Curves
from nas.early_stopping.gains import Gains
from nas.models.milestones import milestone
from nas.seeds import derive_seed

LEAST_FINISHED = 8
"""Finished trainings that are needed before any training is paused."""
LEAST_OF_KIND = 4
"""Finished trainings of a training's own kind that are needed before it is paused."""
QUANTILE = 0.97
COST_SLACK = float(np.log10(1.05))
EXEMPT = 0.05
MOST_FITTED = 500
"""Number of finished trainings, the newest ones, that the expected gain is fitted to."""
REFIT = 1.05
"""The expected gain is fitted again when the number of finished trainings has grown by this factor."""


class BoundRule:
    """Pauses trainings that cannot reach the front (see the module).

    Args:
        seed: Seed of the draw of trainings that go on regardless.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._fitted: dict[int, tuple[list[int], Gains]] = {}

    def pauses(self, curves: Curves, trial: int, epochs: int) -> bool:
        """Whether this training, measured after so many epochs, should wait."""
        course = curves[trial]
        finished = curves.finished(epochs)
        if len(finished) < LEAST_FINISHED or self._exempt(trial):
            return False
        fitted = finished[: milestone(len(finished), REFIT)][-MOST_FITTED:]
        if sum(each.kind == course.kind for each in fitted) < LEAST_OF_KIND:
            return False
        affordable = [
            each.final
            for each in curves.complete()
            if each.final is not None and each.log_cost <= course.log_cost + COST_SLACK
        ]
        gains = self._gains(fitted, epochs)
        optimistic = course.rungs[epochs] + gains.expected(course) + float(np.quantile(gains.errors, QUANTILE))
        return bool(affordable) and optimistic <= max(affordable)

    def _gains(self, fitted: list[Course], epochs: int) -> Gains:
        """The fitted gains, kept as long as the finished trainings are the same, since many trainings are judged by them."""
        numbers = [each.trial for each in fitted]
        if epochs not in self._fitted or self._fitted[epochs][0] != numbers:
            self._fitted[epochs] = numbers, Gains(fitted, epochs)
        return self._fitted[epochs][1]

    def _exempt(self, trial: int) -> bool:
        return bool(np.random.default_rng(derive_seed(self._seed, "exempt", trial)).random() < EXEMPT)
