"""How much probability the right classes are given: what certain wrong answers cost, and hesitant right ones."""

from __future__ import annotations

import math

from evaluator.measures.answers import Answers
from evaluator.measures.measure import Measure
from nas.objectives import Direction, Form, Kind, Objective


def objective(classes: int) -> Objective:
    """In nats, lower is better, measured from that of giving all classes the same probability."""
    return Objective(
        name="cross_entropy",
        direction=Direction.MINIMIZE,
        kind=Kind.LEARNED,
        unit="nats",
        reference=math.log(max(classes, 2)),
        words="cross entropy",
        label="Validation cross entropy (nats)",
        form=Form.PLAIN,
    )


def value(answers: Answers) -> float:
    """Mean over the images, in nats."""
    return answers.loss / answers.images


def deviation(answers: Answers) -> float:
    """Of one image's loss: over the root of their number it is the error that a bootstrap of the mean tends to."""
    images = answers.images
    variance = (answers.squared_loss - answers.loss**2 / images) / max(images - 1, 1)
    return math.sqrt(max(variance, 0.0))


MEASURE = Measure(objective=objective, value=value, deviation=deviation)
