"""Checks that an evaluation gives all quantities that its search needs."""

from __future__ import annotations

from collections.abc import Iterable

from nas.objectives import Objective
from nas.records import Failure, FailureKind, Outcome, Trial


def require_whole(outcome: Outcome, trial: Trial, objectives: Iterable[Objective]) -> Outcome:
    """The outcome of a trial, or a failure if the outcome lacks an objective."""
    if isinstance(outcome, Failure):
        return outcome
    there = {**trial.costs, **outcome.measurements}
    missing = [objective.name for objective in objectives if objective.name not in there]
    if not missing:
        return outcome
    given = ", ".join(outcome.measurements) or "nothing"
    message = f"the evaluation lacks {', '.join(missing)}; it has {given}"
    return Failure(kind=FailureKind.INVALID, message=message, seconds=outcome.seconds, epochs=outcome.epochs)
