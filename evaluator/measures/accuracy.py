"""The measure `accuracy`: the share of the images that are classified correctly."""

from __future__ import annotations

import math

from evaluator.measures.answers import Answers
from evaluator.measures.measure import Measure
from nas.objectives import Direction, Form, Objective, ObjectiveKind


def objective(classes: int) -> Objective:
    """The objective, in percent, with chance as its reference."""
    return Objective(
        name="accuracy",
        direction=Direction.MAXIMIZE,
        kind=ObjectiveKind.LEARNED,
        unit="%",
        reference=100.0 / classes,
        label="Validation accuracy (%)",
        form=Form.PERCENT,
        beside_majority=True,
        meaning="The share of the validation images that are classified correctly.",
    )


def value(answers: Answers) -> float:
    """The percentage of correctly classified images."""
    return 100 * answers.correct / answers.images


def deviation(answers: Answers) -> float:
    """Standard deviation of one image, correct or not, at the Laplace estimate `(correct + 1) / (images + 2)` of the share.

    At the observed share it would be 0 if all images are right, or all wrong, as if finitely many images could make that certain.
    """
    likely = (answers.correct + 1) / (answers.images + 2)
    return 100 * math.sqrt(likely * (1 - likely))


MEASURE = Measure(objective=objective, value=value, deviation=deviation)
