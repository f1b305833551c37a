"""Whether searches can be compared, and what they have in common."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from nas.errors import StudyError
from nas.objectives import Objective
from nas.records import Trial
from nas.report.findings.statistics import trained
from nas.search.result import SearchResult

SAME_IMAGES = ("image_size", "channels", "classes", "class_names")
"""Facts about the images in which searches must agree; their name may differ, since it can be a folder's."""
COUNTS = ("train", "validation", "test")
UNCOMPARED = ("output", "title", "search.seed", "search.study", "search.storage", "search.workers")
"""Settings that are not listed as differing."""


def require_comparable(results: Sequence[SearchResult]) -> None:
    """Refuses searches that cannot be compared.

    Raises:
        StudyError: They have other objectives or other images; the message says which search and what.
    """
    first = results[0]
    for other in results[1:]:
        mine, theirs = ([_axis(each) for each in one.objectives] for one in (first, other))
        if mine != theirs:
            raise _refused(other, f"searches by {', '.join(theirs)}", f"{first.name} by {', '.join(mine)}")
        for fact in SAME_IMAGES:
            if first.data.get(fact) != other.data.get(fact):
                what = fact.replace("_", " ")
                raise _refused(other, f"has {what} {other.data.get(fact)}", f"{first.name} {first.data.get(fact)}")
        totals = [sum(int(one.data.get(count, 0)) for count in COUNTS) for one in (first, other)]
        if totals[0] != totals[1]:
            raise _refused(other, f"has {totals[1]:,} images", f"{first.name} {totals[0]:,}")


def _axis(objective: Objective) -> str:
    return f"{objective.name} ({objective.direction.value})"


def _refused(other: SearchResult, has: str, first: str) -> StudyError:
    return StudyError(f"these searches cannot be compared: {other.name} {has}, and {first}")


def from_common_references(results: Sequence[SearchResult]) -> list[SearchResult]:
    """The searches with the worst of their references in each objective, so that all hypervolumes are measured from one corner."""
    common = tuple(
        max((result.objectives[place] for result in results), key=lambda objective: objective.loss(objective.reference))
        for place in range(len(results[0].objectives))
    )
    return [replace(result, objectives=common) for result in results]


def common_candidates(results: Sequence[SearchResult]) -> list[dict[int, Trial]]:
    """The candidates that more than one search has trained: for each, its trial by the position of the search."""
    found: dict[str, dict[int, Trial]] = defaultdict(dict)
    for position, result in enumerate(results):
        for trial in trained(result):
            found[trial.candidate.digest].setdefault(position, trial)
    return [trials for trials in found.values() if len(trials) > 1]


def differing_settings(results: Sequence[SearchResult]) -> dict[str, list[Any]]:
    """The settings in which the searches differ, with the value of each search; None where a search has no such setting."""
    flat = [dict(_leaves(result.settings)) for result in results]
    names = dict.fromkeys(name for settings in flat for name in settings)
    values = {name: [one.get(name) for one in flat] for name in names if name not in UNCOMPARED}
    return {name: found for name, found in values.items() if any(value != found[0] for value in found)}


def _leaves(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    return [
        leaf
        for name, value in settings.items()
        for leaf in (_leaves(value, f"{prefix}{name}.") if isinstance(value, Mapping) else [(f"{prefix}{name}", value)])
    ]


def repeats(results: Sequence[SearchResult]) -> bool:
    """Whether the searches differ by their seed alone."""
    seeds = [result.settings.get("search", {}).get("seed") for result in results]
    return len(set(map(repr, seeds))) == len(results) > 1 and not differing_settings(results)
