"""The measure `macro_f1`: the F1 score of each class, averaged over the classes. Both too many and too few answers lower it."""

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
    """The objective, in percent. Its reference is the value of always answering one of equally common classes.

    That class then has a precision of 1 / classes and a recall of 1, so an F1 of 2 / (classes + 1), and the others have 0: the mean
    is 2 / (classes (classes + 1)). Where classes are uneven, always answering the commonest gives up to twice as much, and always
    answering a small one less: the lower end is for a network that has learned nothing about any class in particular. Random
    answers give more, 1 / classes; a front that begins there would leave out networks that have learned a few classes only.
    """
    return Objective(
        name="macro_f1",
        direction=Direction.MAXIMIZE,
        kind=ObjectiveKind.LEARNED,
        unit="%",
        reference=100.0 * 2 / (classes * (classes + 1)),
        words="macro F1",
        label="Validation macro F1 (%)",
        form=Form.PERCENT,
        meaning="For each class the harmonic mean of two shares (of its images that are found, and of the answers for it that are "
        "right), averaged over the classes.",
    )


def of_confusion(confusion: NDArray[np.int64]) -> float:
    """Mean F1 in percent of the classes that have an image or were answered; `int64[c c]`."""
    right = confusion.diagonal()
    both = confusion.sum(axis=0) + confusion.sum(axis=1)
    there = both > 0
    return 100 * float((2 * right[there] / both[there]).mean())


def value(answers: Answers) -> float:
    """The macro F1 score in percent."""
    return of_confusion(answers.confusion)


def deviation(answers: Answers) -> float:
    """Standard deviation of one image, by a bootstrap over the images."""
    return bootstrap.deviation(answers, of_confusion)


MEASURE = Measure(objective=objective, value=value, deviation=deviation)
