"""Which candidate is trained once more, with another seed, so that the front rests on more than luck."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from nas.objectives import Objective
from nas.records import Trial, TrialState
from nas.search.estimates import Estimates
from nas.space import SearchSpace

EVERY = 4
"""While candidates are searched, one training of so many is a further one of a known candidate."""
LEAST = 8
"""Candidates before the first is trained again."""


class Replication:
    """Keeps count of the trainings of each candidate, and says whose turn it is.

    While a search runs it is the candidate whose place on the front is least certain; in the end all members of the front.

    Args:
        space: What is searched.
        objectives: Of the search.
        times: Trainings of each member of the front; 1 trains nothing again.
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
        """A training has been handed out, of a new candidate or of a known one."""
        self._trainings.setdefault(trial.first, []).append(trial.number)

    def ended(self) -> None:
        """An outcome has come in: whose turn it is has to be thought over."""
        self._candidates = None
        self.settled = self._times == 1

    def give_up(self) -> None:
        """Trains nothing again in this process, whatever is due."""
        self._times = 1
        self.settled = True

    def index(self, trial: Trial) -> int:
        """Which training of its candidate a trial is, from 0."""
        return self._trainings[trial.first].index(trial.number)

    @staticmethod
    def again(first: Trial, number: int) -> Trial:
        """A trial of this number that trains the candidate of another one once more."""
        return replace(
            first, number=number, state=TrialState.RUNNING, outcome=None, baseline=None, replicate_of=first.number
        )

    def next(self, trials: Iterable[Trial], *, searching: bool) -> int | None:
        """The first trial of the candidate to be trained again, or None.

        Args:
            trials: All of the search.
            searching: Whether there are still new candidates to be trained.
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
