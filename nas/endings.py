"""When a search hands out no more candidates, besides having trained as many as were asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

EXHAUSTED = "every further proposal is known or over a limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a search stands, as far as its end depends on it."""

    seconds: float
    """Since this process took the search up."""
    epochs: int
    """Trained in all, those that trainings under way are still going to take included."""
    hypervolumes: Sequence[float]
    """Of the observed front, after each candidate whose training has ended."""


Ending = Callable[[Standing], str | None]
"""Why a search is to end now, in words, or None."""


def after_hours(hours: float) -> Ending:
    """By the clock; what is in training then is finished."""
    return lambda standing: f"{hours:g} hours are over" if standing.seconds >= hours * 3600 else None


def within_epochs(limit: int, training: int) -> Ending:
    """When another whole training, of so many epochs, would go beyond a number of epochs in all."""
    reason = f"another training would go beyond {limit} epochs in all"
    return lambda standing: reason if standing.epochs + training > limit else None


def when_stalled(candidates: int, share: float) -> Ending:
    """When the hypervolume has grown by less than a share of itself over so many candidates."""

    def stalled(standing: Standing) -> str | None:
        if len(standing.hypervolumes) <= candidates:
            return None
        before, now = standing.hypervolumes[-1 - candidates], standing.hypervolumes[-1]
        if now - before > share * before:
            return None
        return f"the hypervolume has not grown by more than {share:.2%} over the last {candidates} trials"

    return stalled
