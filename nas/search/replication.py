"""Decides which candidate is trained again, with another seed, so that the front rests on more than luck."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from nas.objectives import Objective
from nas.records import Trial, TrialState
from nas.search.estimates import Estimates
from nas.space import SearchSpace

EVERY = 4
"""While new candidates are searched, one training in so many trains a known candidate again."""
LEAST = 8
"""Number of candidates that are trained before the first is trained again."""


class Replication:
    """Counts the trainings of each candidate and decides which one is due to be trained again.

    While the search runs, this is the candidate whose place on the front is least certain; at the end, every member of the front.

    Args:
        space: The space that is searched.
        objectives: Axes of the front.
        times: Number of trainings of each member of the front; with 1, nothing is trained again.
    """

    def __init__(self, space: SearchSpace, objectives: tuple[Objective, ...], times: int) -> None:
        self._space = space
        self._objectives = objectives
        self._times = times
        self._trainings: dict[int, list[int]] = {}
        self._candidates: list[int] | None = None
        self.settled = times == 1
        """Whether every member of the front has had all its trainings, as far as is known."""

    def begun(self, trial: Trial) -> None:
        """Records that a training of a new or a known candidate has been handed out."""
        self._trainings.setdefault(trial.first, []).append(trial.number)

    def ended(self) -> None:
        """Records that an outcome has arrived, so that the next choice must be made anew."""
        self._candidates = None
        self.settled = self._times == 1

    def give_up(self) -> None:
        """Stops training candidates again in this process."""
        self._times = 1
        self.settled = True

    def index(self, trial: Trial) -> int:
        """Which training of its candidate a trial is, from 0."""
        return self._trainings[trial.first].index(trial.number)

    @staticmethod
    def again(first: Trial, number: int) -> Trial:
        """A new trial, with this number, that trains the candidate of another trial again."""
        return replace(
            first, number=number, state=TrialState.RUNNING, outcome=None, baseline=None, replicate_of=first.number
        )

    def next(self, trials: Iterable[Trial], *, searching: bool) -> int | None:
        """The first trial of the candidate to train again, or None.

        Args:
            trials: All trials of the search.
            searching: Whether new candidates are still to be trained.
        """
        if self.settled:
            return None
        again = sum(map(len, self._trainings.values())) - len(self._trainings)
        if searching and again * (EVERY - 1) >= len(self._trainings) - LEAST:
            return None
        if self._candidates is None:
            estimates = Estimates(self._space, self._objectives, trials)
            self._candidates = estimates.least_certain() if searching else list(estimates.front.trials)
        chosen = next((first for first in self._candidates if len(self._trainings[first]) < self._times), None)
        self.settled = chosen is None and not searching
        return chosen
