"""Sentences that a reader of a report must know beside its numbers: what may differ between runs, and what has changed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from nas.objectives import Objective
from nas.report.quantities import with_unit

REPEATED = ("random",)
"""Samplers whose proposals do not depend on what is known when they are made."""


def order_note(*, workers: int, sampler: str, stopping: str) -> list[str]:
    """At most one sentence, which says that a search with several workers is not repeated exactly.

    Args:
        workers: Number of candidates trained at the same time.
        sampler: Name of the sampler.
        stopping: Name of the rule of early stopping.
    """
    if workers < 2 or (sampler in REPEATED and stopping == "none"):
        return []
    proposed = [] if sampler in REPEATED else ["which networks are proposed"]
    stopped = [] if stopping == "none" else ["which trainings are stopped early"]
    depends = " and ".join([*proposed, *stopped])
    return [
        f"With {workers} workers the same command does not repeat a search exactly: each network gets the same values again, but "
        f"{depends} depends on the order in which trainings end. --search.workers 1 repeats it."
    ]


def reference_note(references: Sequence[Mapping[str, float]], objectives: Sequence[Objective]) -> list[str]:
    """At most one sentence, which says that the hypervolume is now measured from another reference than before.

    Args:
        references: The references of the costs by name, oldest first, the present ones last.
        objectives: The axes of the front.
    """
    if len(references) < 2:
        return []
    before, now = references[-2:]
    changed = [each for each in objectives if each.name in before and not _equal(before[each.name], now[each.name])]
    if not changed:
        return []
    was, is_now = (", ".join(with_unit(each, where[each.name]) for each in changed) for where in (before, now))
    return [
        f"The hypervolume is measured from another reference since the space or the count of costs has changed: it was {was} and "
        f"is {is_now}, so the hypervolumes of before and now are not comparable; --search.references sets it."
    ]


def _equal(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9)
