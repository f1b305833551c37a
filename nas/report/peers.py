"""Each changed candidate beside the unchanged network nearest in cost: the plainest answer to whether the change pays.

Which networks are unchanged the legend of the space says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from nas.report.readings import accuracy_of, cost_name, difference_error, trained
from nas.result import SearchResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A candidate and the unchanged one nearest to it in cost."""

    trial: int
    peer: int
    kind: str
    """Of the candidate."""
    cost_ratio: float
    """Cost of the candidate over that of its peer."""
    difference: float
    """Accuracy of the candidate less that of its peer, in points."""
    standard_error: float | None
    """Of the difference, in points; None where an accuracy carries no error."""

    @property
    def resolved(self) -> bool:
        """Whether the difference is more than twice its standard error."""
        return self.standard_error is not None and abs(self.difference) > 2 * self.standard_error


def pairs(result: SearchResult) -> list[Pair]:
    """Every trained candidate that is not unchanged with its nearest unchanged peer by cost ratio, cheapest first.

    Of peers equally near the one with the lower trial number is taken. Empty where nothing unchanged was trained.
    """
    cost = cost_name(result)
    pool = trained(result)
    unchanged = [trial for trial in pool if result.portrait(trial).kind in result.legend.unchanged_kinds]
    found: list[Pair] = []
    for trial in sorted(pool, key=lambda one: (one.values()[cost], one.number)):
        if not (unchanged and result.is_changed(trial)):
            continue
        own = trial.values()[cost]
        peer = min(unchanged, key=lambda one: abs(math.log(one.values()[cost] / own)))
        mine, theirs = accuracy_of(trial), accuracy_of(peer)
        found.append(
            Pair(
                trial=trial.number,
                peer=peer.number,
                kind=result.portrait(trial).kind,
                cost_ratio=own / peer.values()[cost],
                difference=mine.mean - theirs.mean,
                standard_error=difference_error(mine, theirs),
            )
        )
    return found
