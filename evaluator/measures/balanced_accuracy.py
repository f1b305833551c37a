"""The measure `balanced_accuracy`: the accuracy of each class, averaged over the classes, so that all classes count alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluator.measures import bootstrap
from evaluator.measures.answers import Answers
from evaluator.measures.measure import Measure
from nas.objectives import Direction, Form, Objective, ObjectiveKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def objective(classes: int) -> Objective:
    """The objective, in percent. Its reference is chance, which is also the value of always answering one class."""
    return Objective(
        name="balanced_accuracy",
        direction=Direction.MAXIMIZE,
        kind=ObjectiveKind.LEARNED,
        unit="%",
        reference=100.0 / classes,
        words="balanced accuracy",
        label="Validation balanced accuracy (%)",
        form=Form.PERCENT,
        meaning="The share of correctly classified images of each class, averaged over the classes, so that each counts alike.",
    )


def of_confusion(confusion: NDArray[np.int64]) -> float:
    """Mean recall in percent of the classes that have an image; `int64[c c]`."""
    images = confusion.sum(axis=1)
    there = images > 0
    return 100 * float((confusion.diagonal()[there] / images[there]).mean())


def value(answers: Answers) -> float:
    """The balanced accuracy in percent."""
    return of_confusion(answers.confusion)


def deviation(answers: Answers) -> float:
    """Standard deviation of one image, by a bootstrap over the images."""
    return bootstrap.deviation(answers, of_confusion)


MEASURE = Measure(objective=objective, value=value, deviation=deviation)
