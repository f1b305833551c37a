"""What a measure of trained networks is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from evaluator.measures.answers import Answers
from nas.objectives import Objective
from nas.records import Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A quantity of a trained network, and how it is measured."""

    objective: Callable[[int], Objective]
    """Makes the objective from the number of classes."""
    value: Callable[[Answers], float]
    """Computes the quantity from the answers, without its uncertainty."""
    deviation: Callable[[Answers], float]
    """Computes the standard deviation of one image: the standard error is this over the root of the number of images."""

    def measurement(self, answers: Answers) -> Measurement:
        """The quantity with its uncertainty.

        Raises:
            RefusedNumberError: The quantity is not a finite number.
        """
        return Measurement(mean=self.value(answers), std=self.deviation(answers), n=answers.images)
