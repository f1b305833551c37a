"""The measure `cross_entropy`: how little probability the right classes are given. Confident wrong answers cost most."""

from __future__ import annotations

import math

from evaluator.measures.answers import Answers
from evaluator.measures.measure import Measure
from nas.objectives import Direction, Form, Objective, ObjectiveKind


def objective(classes: int) -> Objective:
    """The objective, in nats, lower is better. Its reference is the value of giving all classes the same probability."""
    return Objective(
        name="cross_entropy",
        direction=Direction.MINIMIZE,
        kind=ObjectiveKind.LEARNED,
        unit="nats",
        reference=math.log(max(classes, 2)),
        words="cross entropy",
        label="Validation cross entropy (nats)",
        form=Form.PLAIN,
        meaning="Minus the logarithm of the probability of the right class, averaged over the images. 0 is certain and right.",
    )


def value(answers: Answers) -> float:
    """The mean cross-entropy over the images, in nats."""
    return answers.loss / answers.images


def deviation(answers: Answers) -> float:
    """Standard deviation of one image's loss. Over the root of the number of images, it is the limit of the bootstrap's error."""
    images = answers.images
    variance = (answers.squared_loss - answers.loss**2 / images) / max(images - 1, 1)
    return math.sqrt(max(variance, 0.0))


MEASURE = Measure(objective=objective, value=value, deviation=deviation)
