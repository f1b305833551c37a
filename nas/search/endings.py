"""When a search ends, besides having trained as many candidates as were asked for."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A condition on which no further training begins; those under way are finished."""

    reason: Callable[[Standing], str | None]
    """Why to end now, in words, or None."""
    of_means: bool = True
    """Whether the means are used up, so that known candidates are not trained again either."""


def after_hours(hours: float) -> Ending:
    """By the clock."""
    return Ending(reason=lambda standing: f"{hours:g} hours are over" if standing.seconds >= hours * 3600 else None)


def within_epochs(limit: int, training: int) -> Ending:
    """When another whole training, of so many epochs, would go beyond a number of epochs in all."""
    reason = f"another training would go beyond {limit} epochs in all"
    return Ending(reason=lambda standing: reason if standing.epochs + training > limit else None)


def when_stalled(candidates: int, share: float) -> Ending:
    """When the hypervolume has grown by less than a share of itself over so many candidates."""

    def stalled(standing: Standing) -> str | None:
        if len(standing.hypervolumes) <= candidates:
            return None
        before, now = standing.hypervolumes[-1 - candidates], standing.hypervolumes[-1]
        if now - before > share * before:
            return None
        return f"the hypervolume has not grown by more than {share:.2%} over the last {candidates} trials"

    return Ending(reason=stalled, of_means=False)
