"""Which trainings are paused, and when they go on: the state that a stopping rule needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from nas.candidate import Candidate
from nas.early_stopping import NeverPause, StoppingRule
from nas.early_stopping.curves import Course, Curves
from nas.objectives import Objective
from nas.records import Evaluation, Trial

RECONSIDER = 20
"""Paused trainings are judged again when the number of new outcomes is one in so many of them."""


class Pauses:
    """Follows all trainings from rung to rung, and pauses and releases them.

    Args:
        rule: The rule that decides at rungs. Default: nothing is paused.
        epochs: Number of epochs of a full training.
        learned: The learned objective. Rules see its scores, of which more is better.
        cost: Picks, from a candidate's known costs, the one by which networks are compared.
        kind: Gives the kind of a candidate by its portrait. Curves of one kind say more about each other.
    """

    def __init__(
        self,
        rule: StoppingRule | None,
        epochs: int,
        learned: Objective,
        cost: Callable[[Mapping[str, float]], float],
        kind: Callable[[Candidate], str],
    ) -> None:
        self._rule = rule or NeverPause()
        self._epochs = epochs
        self._learned = learned
        self._cost = cost
        self._kind = kind
        self._curves = Curves()
        self._told: set[int] = set()
        self._since_reconsidered = 0
        self.waiting: dict[int, Evaluation] = {}
        """The evaluations so far of the trainings that wait, by trial number."""

    def follow(self, trial: Trial) -> None:
        """Adds a training that has begun or ended."""
        self._curves.begin(
            Course(
                trial=trial.number,
                log_cost=math.log10(max(self._cost(trial.costs), 1e-9)),
                kind=self._kind(trial.candidate),
                decisions=trial.candidate.decisions,
                rungs=self._scores(trial.outcome) if isinstance(trial.outcome, Evaluation) else {},
            )
        )
        if isinstance(trial.outcome, Evaluation) and not self.is_partial(trial.outcome):
            self._curves.ended(trial.number, self._score(trial.outcome))

    def goes_on(self, number: int, epochs: int, value: float) -> bool:
        """Whether a training goes on from a rung. If not, it is told to pause, and its partial outcome is still to come."""
        self._curves.reached(number, epochs, self._learned.score(value))
        if not self._rule.pauses(self._curves, number, epochs):
            return True
        self._told.add(number)
        return False

    def takes(self, number: int, outcome: object) -> bool:
        """Takes the partial outcome of a training that was told to pause; False if the training has really ended."""
        told = number in self._told
        self._told.discard(number)
        if not (told and isinstance(outcome, Evaluation) and self.is_partial(outcome)):
            return False
        self.waiting[number] = outcome
        return True

    def ended(self, number: int, outcome: Evaluation) -> list[int]:
        """Records the end of a training, and returns those that may go on; where many wait, they are not judged every time."""
        self._curves.ended(number, self._score(outcome))
        self._since_reconsidered += 1
        if self._since_reconsidered * RECONSIDER < len(self.waiting):
            return []
        self._since_reconsidered = 0
        return self.released()

    def released(self) -> list[int]:
        """The paused trainings that may go on by what is known now; they no longer count as paused."""
        found = [n for n, partial in self.waiting.items() if not self._rule.pauses(self._curves, n, partial.epochs)]
        for number in found:
            del self.waiting[number]
        return found

    def given_up(self) -> dict[int, Evaluation]:
        """All trainings that are still paused; they no longer count as paused."""
        found, self.waiting = self.waiting, {}
        return found

    def lost(self, number: int) -> None:
        """Records that a training's worker has died before it returned its partial outcome."""
        self._told.discard(number)

    def is_partial(self, outcome: object) -> bool:
        """Whether an outcome is the partial outcome of a paused training."""
        return isinstance(outcome, Evaluation) and outcome.epochs < self._epochs

    def _score(self, outcome: Evaluation) -> float:
        return self._learned.score(outcome.measurements[self._learned.name].mean)

    def _scores(self, outcome: Evaluation) -> dict[int, float]:
        known = outcome.on_the_way(self._learned.name)
        return {epochs: self._learned.score(value) for epochs, value in known.items()}
