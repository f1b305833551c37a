"""What is known of trainings on their way: scores at rungs, and where finished ones ended.

A score is the learned objective turned so that more is better (`nas.objectives.Objective.score`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nas.dimensions import Scalar


@dataclass(slots=True)
class Course:
    """One training as far as it is known."""

    trial: int
    log_cost: float
    """Decimal logarithm of the first known cost."""
    kind: str
    """Class of the network, by its mixers: those that learn start more slowly."""
    decisions: Mapping[str, Scalar] = field(default_factory=dict)
    """What was decided of the network and its training."""
    rungs: dict[int, float] = field(default_factory=dict)
    """Score by epochs done."""
    final: float | None = None
    """At full budget."""


class Curves:
    """All courses of a search, by trial."""

    def __init__(self) -> None:
        self._courses: dict[int, Course] = {}

    def __getitem__(self, trial: int) -> Course:
        return self._courses[trial]

    def __contains__(self, trial: int) -> bool:
        return trial in self._courses

    def begin(self, course: Course) -> None:
        """A training that has reached some rungs, or none yet."""
        self._courses[course.trial] = course

    def reached(self, trial: int, epochs: int, score: float) -> None:
        """A training was measured on its way."""
        self._courses[trial].rungs[epochs] = score

    def ended(self, trial: int, score: float) -> None:
        """A training came to its end."""
        self._courses[trial].final = score

    def finished(self, epochs: int) -> list[Course]:
        """Those that came to their end and were measured after so many epochs."""
        return [each for each in self._courses.values() if each.final is not None and epochs in each.rungs]

    def complete(self) -> list[Course]:
        """Those that came to their end."""
        return [each for each in self._courses.values() if each.final is not None]

    def at(self, epochs: int) -> list[Course]:
        """Those that were measured after so many epochs, finished or not."""
        return [each for each in self._courses.values() if epochs in each.rungs]
