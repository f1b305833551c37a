"""Training curves: scores at rungs, and final scores of finished trainings.

A score is the learned objective turned so that more is better (`nas.objectives.Objective.score`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nas.dimensions import Scalar


@dataclass(slots=True)
class Course:
    """The curve of one training, as far as it is known."""

    trial: int
    log_cost: float
    """Decimal logarithm of the first known cost."""
    kind: str
    """Kind of the network, by its mixers. Mixers that learn start more slowly."""
    decisions: Mapping[str, Scalar] = field(default_factory=dict)
    """The decisions on the network and its training."""
    rungs: dict[int, float] = field(default_factory=dict)
    """Score by number of epochs done."""
    final: float | None = None
    """Score at full budget; None before the end."""


class Curves:
    """The curves of all trainings of a search, by trial number."""

    def __init__(self) -> None:
        self._courses: dict[int, Course] = {}

    def __getitem__(self, trial: int) -> Course:
        return self._courses[trial]

    def __contains__(self, trial: int) -> bool:
        return trial in self._courses

    def begin(self, course: Course) -> None:
        """Adds a training that has reached some rungs, or none yet."""
        self._courses[course.trial] = course

    def reached(self, trial: int, epochs: int, score: float) -> None:
        """Records a score at a rung."""
        self._courses[trial].rungs[epochs] = score

    def ended(self, trial: int, score: float) -> None:
        """Records the final score of a training."""
        self._courses[trial].final = score

    def finished(self, epochs: int) -> list[Course]:
        """The finished trainings that were measured after so many epochs."""
        return [each for each in self._courses.values() if each.final is not None and epochs in each.rungs]

    def complete(self) -> list[Course]:
        """All finished trainings."""
        return [each for each in self._courses.values() if each.final is not None]

    def at(self, epochs: int) -> list[Course]:
        """The trainings that were measured after so many epochs, finished or not."""
        return [each for each in self._courses.values() if epochs in each.rungs]
