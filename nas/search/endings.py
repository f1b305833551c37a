"""Conditions on which a search ends before it has trained as many candidates as were asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

EXHAUSTED = "every further proposal is known or over a limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The state of a search, as far as its end depends on it."""

    seconds: float
    """Seconds since this process started or continued the search."""
    epochs: int
    """Total number of epochs, including those that current trainings are still going to take."""
    hypervolumes: Sequence[float]
    """Hypervolume of the observed front after each candidate whose training has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A condition on which no further training begins. Trainings that have begun are finished."""

    reason: Callable[[Standing], str | None]
    """In words, why the search ends now; None if it does not."""
    of_means: bool = True
    """Whether the condition is that means (time, epochs) are used up. Then known candidates are not trained again either."""


def after_hours(hours: float) -> Ending:
    """Ends the search after so many hours."""
    return Ending(reason=lambda standing: f"{hours:g} hours are over" if standing.seconds >= hours * 3600 else None)


def within_epochs(limit: int, training: int) -> Ending:
    """Ends the search when another full training would exceed a total number of epochs."""
    reason = f"another training would go beyond {limit} epochs in all"
    return Ending(reason=lambda standing: reason if standing.epochs + training > limit else None)


def when_stalled(candidates: int, share: float) -> Ending:
    """Ends the search when the hypervolume has grown by less than a given share of itself over so many candidates."""

    def stalled(standing: Standing) -> str | None:
        if len(standing.hypervolumes) <= candidates:
            return None
        before, now = standing.hypervolumes[-1 - candidates], standing.hypervolumes[-1]
        if now - before > share * before:
            return None
        return f"the hypervolume has not grown by more than {share:.2%} over the last {candidates} trials"

    return Ending(reason=stalled, of_means=False)
