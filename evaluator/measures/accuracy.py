"""The share of the images that are answered rightly."""

from __future__ import annotations

import math

from evaluator.measures.answers import Answers
from evaluator.measures.measure import Measure
from nas.objectives import Direction, Form, Kind, Objective


def objective(classes: int) -> Objective:
    """In percent, measured from chance."""
    return Objective(
        name="accuracy",
        direction=Direction.MAXIMIZE,
        kind=Kind.LEARNED,
        unit="%",
        reference=100.0 / classes,
        label="Validation accuracy (%)",
        form=Form.PERCENT,
        beside_majority=True,
    )


def value(answers: Answers) -> float:
    """Percent of the images that are right."""
    return 100 * answers.correct / answers.images


def deviation(answers: Answers) -> float:
    """Of one image, right or wrong, at the Laplace estimate `(correct + 1) / (images + 2)` of the share.

    At the share itself it would be 0 if all images are right, or all wrong, as if finitely many could make that certain.
    """
    likely = (answers.correct + 1) / (answers.images + 2)
    return 100 * math.sqrt(likely * (1 - likely))


MEASURE = Measure(objective=objective, value=value, deviation=deviation)
