"""Compares each changed candidate with the best unchanged network of no greater cost: what one gains over taking that one.

The legend of the space says which networks are unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nas.dimensions import Scalar
from nas.records import Trial
from nas.report.findings.statistics import difference_error, learned_value, trained
from nas.search.result import SearchResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A candidate and the best unchanged network that costs no more, or the nearest in cost if all unchanged ones cost more."""

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
    tuned: bool
    """Whether the training settings of the peer were searched, as those of the candidate were, and not given with a baseline."""
    training: tuple[tuple[str, Scalar, Scalar], ...]
    """The training settings in which the two differ: name, value of the candidate, value of the peer."""

    @property
    def affordable(self) -> bool:
        """Whether the peer costs no more than the candidate; it does where every unchanged network does."""
        return self.cost_ratio >= 1

    @property
    def resolved(self) -> bool:
        """Whether the difference is more than twice its standard error."""
        return self.standard_error is not None and abs(self.difference) > 2 * self.standard_error


def pairs(result: SearchResult) -> list[Pair]:
    """Every trained candidate that is changed, with its unchanged peer, cheapest first.

    The peer is the one with the best measured value among the unchanged networks that cost no more, of equal ones the cheapest.
    The list is empty if no unchanged network was trained.
    """
    cost, learned = result.cost, result.learned
    pool = [trial for trial in trained(result) if trial.values()[cost.name] > 0]
    unchanged = [trial for trial in pool if result.portrait(trial).kind in result.legend.unchanged_kinds]
    found: list[Pair] = []
    for trial in sorted(pool, key=lambda one: (cost.loss(one.values()[cost.name]), one.number)):
        if not (unchanged and result.is_changed(trial)):
            continue
        peer = _peer(result, trial, unchanged)
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
                tuned=peer.baseline is None,
                training=_differing(trial.candidate.training, peer.candidate.training),
            )
        )
    return found


def _peer(result: SearchResult, trial: Trial, unchanged: Sequence[Trial]) -> Trial:
    def loss(one: Trial) -> float:
        return result.cost.loss(one.values()[result.cost.name])

    affordable = [one for one in unchanged if loss(one) <= loss(trial)]
    if not affordable:
        return min(unchanged, key=loss)
    return min(affordable, key=lambda one: (result.learned.loss(learned_value(result, one).mean), loss(one)))


def _differing(mine: Mapping[str, Scalar], theirs: Mapping[str, Scalar]) -> tuple[tuple[str, Scalar, Scalar], ...]:
    """Settings that only one of the two has are left out: they are of what makes the candidate a changed one."""
    return tuple((name, mine[name], theirs[name]) for name in mine if name in theirs and mine[name] != theirs[name])
