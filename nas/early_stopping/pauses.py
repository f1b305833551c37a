"""Which trainings wait, and when they go on: the state beside a stopping rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from nas.candidate import Candidate
from nas.early_stopping import NeverPause, StoppingRule
from nas.early_stopping.curves import Course, Curves
from nas.objectives import Objective
from nas.records import Evaluation, Trial

RECONSIDER = 20
"""Paused trainings are judged anew when outcomes have come in for a share of them, one in so many."""


class Pauses:
    """Follows trainings from rung to rung.

    Args:
        rule: Decides at rungs. Default: nothing is paused.
        epochs: Full training of a candidate.
        learned: The objective that trainings are for. Rules see its scores, of which more is better.
        cost: Of a candidate, from its known costs: the one by which networks are compared.
        kind: Of a candidate, by its portrait: curves of one kind say more of each other.
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
        """Takes note of a training, begun or ended."""
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
        """Whether a training that has come to a rung goes on; if not, it is told so and its partial outcome is to come."""
        self._curves.reached(number, epochs, self._learned.score(value))
        if not self._rule.pauses(self._curves, number, epochs):
            return True
        self._told.add(number)
        return False

    def takes(self, number: int, outcome: object) -> bool:
        """Takes the outcome of a training that was told to wait; False if it is one that has ended."""
        told = number in self._told
        self._told.discard(number)
        if not (told and isinstance(outcome, Evaluation) and self.is_partial(outcome)):
            return False
        self.waiting[number] = outcome
        return True

    def ended(self, number: int, outcome: Evaluation) -> list[int]:
        """A training came to its end; the ones that may go on now, judged anew not after every end where many wait."""
        self._curves.ended(number, self._score(outcome))
        self._since_reconsidered += 1
        if self._since_reconsidered * RECONSIDER < len(self.waiting):
            return []
        self._since_reconsidered = 0
        return self.released()

    def released(self) -> list[int]:
        """Those that may go on by what is known now; they wait no longer."""
        found = [n for n, partial in self.waiting.items() if not self._rule.pauses(self._curves, n, partial.epochs)]
        for number in found:
            del self.waiting[number]
        return found

    def given_up(self) -> dict[int, Evaluation]:
        """All that still wait, which wait no longer."""
        found, self.waiting = self.waiting, {}
        return found

    def lost(self, number: int) -> None:
        """The worker of a training has died before it returned what it had."""
        self._told.discard(number)

    def is_partial(self, outcome: object) -> bool:
        """Whether an outcome is that of a training that was paused."""
        return isinstance(outcome, Evaluation) and outcome.epochs < self._epochs

    def _score(self, outcome: Evaluation) -> float:
        return self._learned.score(outcome.measurements[self._learned.name].mean)

    def _scores(self, outcome: Evaluation) -> dict[int, float]:
        known = outcome.on_the_way(self._learned.name)
        return {epochs: self._learned.score(value) for epochs, value in known.items()}
