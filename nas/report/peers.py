"""Compares each changed candidate with the unchanged network nearest in cost: the plainest answer to whether the change pays.

The legend of the space says which networks are unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

from nas.report.statistics import difference_error, learned_value, trained
from nas.result import SearchResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A candidate and the unchanged network that is nearest to it in cost."""

    trial: int
    peer: int
    kind: str
    """Kind of the candidate."""
    cost_ratio: float
    """Cost of the candidate divided by that of its peer."""
    difference: float
    """Learned objective of the candidate minus that of its peer."""
    better: bool
    """Whether the difference is in favour of the candidate."""
    standard_error: float | None
    """Standard error of the difference; None if one of the values has no standard error."""

    @property
    def resolved(self) -> bool:
        """Whether the difference is more than twice its standard error."""
        return self.standard_error is not None and abs(self.difference) > 2 * self.standard_error


def pairs(result: SearchResult) -> list[Pair]:
    """Every trained candidate that is changed, with its nearest unchanged peer by cost on its scale, cheapest first.

    Of equally near peers, the one with the lower trial number is taken. The list is empty if no unchanged network was trained.
    """
    cost, learned = result.cost, result.learned
    pool = [trial for trial in trained(result) if trial.values()[cost.name] > 0]
    unchanged = [trial for trial in pool if result.portrait(trial).kind in result.legend.unchanged_kinds]
    found: list[Pair] = []
    for trial in sorted(pool, key=lambda one: (cost.loss(one.values()[cost.name]), one.number)):
        if not (unchanged and result.is_changed(trial)):
            continue
        own = cost.loss(trial.values()[cost.name])
        peer = min(unchanged, key=lambda one: abs(cost.loss(one.values()[cost.name]) - own))
        mine, theirs = learned_value(result, trial), learned_value(result, peer)
        found.append(
            Pair(
                trial=trial.number,
                peer=peer.number,
                kind=result.portrait(trial).kind,
                cost_ratio=trial.values()[cost.name] / peer.values()[cost.name],
                difference=mine.mean - theirs.mean,
                better=learned.loss(mine.mean) < learned.loss(theirs.mean),
                standard_error=difference_error(mine, theirs),
            )
        )
    return found
