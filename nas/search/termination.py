"""Whether what a search has spent and gained so far is a reason to end it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from nas.objectives import Objective
from nas.pareto import ParetoFront
from nas.records import Trial, TrialState
from nas.search.endings import Ending, Standing
from nas.search.front import GrowingFront


class Termination:
    """Follows what a search spends and gains, and asks its ending conditions whether that is enough.

    Args:
        objectives: Axes of the front.
        endings: Conditions on which the search ends.
    """

    def __init__(self, objectives: tuple[Objective, ...], endings: Sequence[Ending]) -> None:
        self._endings = tuple(endings)
        self._began = time.monotonic()
        self._front = GrowingFront(objectives)
        self._hypervolumes: list[float] = []
        self._epochs = 0

    @property
    def front(self) -> ParetoFront:
        """The observed front, with each candidate's first training."""
        return self._front.front

    def add(self, trial: Trial) -> None:
        """Adds the outcome of a trained trial."""
        assert trial.outcome is not None
        self._epochs += trial.outcome.epochs
        if trial.replicate_of is None:
            if trial.state is TrialState.COMPLETE:
                self._front.add(trial.number, trial.values())
            self._hypervolumes.append(self.front.hypervolume)

    def reason_to_end(self, promised: int, *, searching: bool) -> str:
        """In words, why no further training is to begin; empty if there is no reason.

        Args:
            promised: Epochs that current trainings have taken or will take.
            searching: Whether the next training would be of a new candidate, rather than of a known one.
        """
        if not self._endings:
            return ""
        standing = Standing(
            seconds=time.monotonic() - self._began, epochs=self._epochs + promised, hypervolumes=self._hypervolumes
        )
        asked = (ending for ending in self._endings if searching or ending.of_means)
        return next((reason for ending in asked if (reason := ending.reason(standing))), "")
