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
    """Follows what a search spends and gains, and asks the endings whether it is enough.

    Args:
        objectives: Of the search.
        endings: When to end it.
    """

    def __init__(self, objectives: tuple[Objective, ...], endings: Sequence[Ending]) -> None:
        self._endings = tuple(endings)
        self._began = time.monotonic()
        self._front = GrowingFront(objectives)
        self._hypervolumes: list[float] = []
        self._epochs = 0

    @property
    def front(self) -> ParetoFront:
        """The observed front, each candidate by its first training."""
        return self._front.front

    def add(self, trial: Trial) -> None:
        """Takes account of a trial that was trained, with its outcome."""
        assert trial.outcome is not None
        self._epochs += trial.outcome.epochs
        if trial.replicate_of is None:
            if trial.state is TrialState.COMPLETE:
                self._front.add(trial.number, trial.values())
            self._hypervolumes.append(self.front.hypervolume)

    def reason_to_end(self, promised: int, *, searching: bool) -> str:
        """Why no further training is to begin; empty if there is no reason.

        Args:
            promised: Epochs that trainings under way take or have taken.
            searching: Whether it would be that of a new candidate, and not of a known one.
        """
        if not self._endings:
            return ""
        standing = Standing(
            seconds=time.monotonic() - self._began, epochs=self._epochs + promised, hypervolumes=self._hypervolumes
        )
        asked = (ending for ending in self._endings if searching or ending.of_means)
        return next((reason for ending in asked if (reason := ending.reason(standing))), "")
