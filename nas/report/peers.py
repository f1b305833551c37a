"""Each changed candidate beside the unchanged network nearest in cost: the plainest answer to whether the change pays.

Which networks are unchanged the legend of the space says.
"""

from __future__ import annotations

from dataclasses import dataclass

from nas.report.statistics import difference_error, learned_value, trained
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
    """Learned objective of the candidate less that of its peer."""
    better: bool
    """Whether that is to the candidate's favour."""
    standard_error: float | None
    """Of the difference; None where a value carries no error."""

    @property
    def resolved(self) -> bool:
        """Whether the difference is more than twice its standard error."""
        return self.standard_error is not None and abs(self.difference) > 2 * self.standard_error


def pairs(result: SearchResult) -> list[Pair]:
    """Every trained candidate that is not unchanged with its nearest unchanged peer by cost, on its scale, cheapest first.

    Of peers equally near the one with the lower trial number is taken. Empty where nothing unchanged was trained.
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
