"""What networks of the front answer, as plain JSON for the page: a matrix of few classes, or the worst of many; mistakes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Any

from nas.report.findings.confusions import Confusions, confusions
from nas.report.quantities import rounded
from nas.search.result import SearchResult

MOST_CLASSES = 20
"""With more classes the worst of them and the most frequent confusions are shown instead of a matrix."""
WORST = 10
"""Number of worst classes, and of most frequent confusions, if there are many classes."""
MISTAKES = 8
"""Most mistakes of a network that are shown with their picture."""
PICTURE_BYTES = 400_000
"""Most bytes of all pictures in a page. Beyond these, mistakes are told without their picture."""
MOST_NETWORKS = 30
"""Most networks whose answers are shown."""
LONGEST_NAME = 40
"""Most characters of the name of a class."""


def answers(result: SearchResult, recommended: int | None) -> dict[str, Any] | None:
    """The section on answers; None where no answers are known.

    Args:
        result: The results of the search.
        recommended: The network whose pictures come first; None if there is none.
    """
    found = result.classification
    if found is None:
        return None
    members = [number for number in result.front.trials if number in found.networks]
    chosen = sorted(members, key=lambda number: number != recommended)[:MOST_NETWORKS]
    told = {number: confusions(found, number, MISTAKES) for number in chosen}
    as_matrix = len(found.classes) <= MOST_CLASSES
    labels = range(len(found.classes)) if as_matrix else _labels(told.values())
    return {
        "as_matrix": as_matrix,
        "classes": {label: _short(found.classes[label]) for label in labels},
        "networks": {number: _network(one, len(found.classes)) for number, one in told.items()},
        "pictures": _pictures(found.picture, told.values()),
    }


def _network(found: Confusions, classes: int) -> dict[str, Any]:
    scores = found.scores if classes <= MOST_CLASSES else found.worst(WORST)
    return {
        "items": found.items,
        "right": found.right,
        "scores": [[one.label, one.items, one.right] for one in scores],
        "matrix": _matrix(found, classes) if classes <= MOST_CLASSES else [],
        "confusions": [[one.truth, one.answer, one.items] for one in found.confusions[:WORST]],
        "surest": [[one.position, one.truth, one.answer, rounded(one.confidence, 3)] for one in found.surest],
    }


def _matrix(found: Confusions, classes: int) -> list[list[int]]:
    """Number of items of each class by the class that was answered, `[classes classes]`."""
    matrix = [[0] * classes for _ in range(classes)]
    for score in found.scores:
        matrix[score.label][score.label] = score.right
    for one in found.confusions:
        matrix[one.truth][one.answer] = one.items
    return matrix


def _labels(told: Iterable[Confusions]) -> list[int]:
    """The classes that are mentioned."""
    mentioned: set[int] = set()
    for found in told:
        mentioned |= {one.label for one in found.worst(WORST)}
        mentioned |= {label for one in found.confusions[:WORST] for label in (one.truth, one.answer)}
        mentioned |= {label for one in found.surest for label in (one.truth, one.answer)}
    return sorted(mentioned)


def _pictures(picture: Callable[[int], bytes], told: Iterable[Confusions]) -> dict[int, str]:
    """The pictures of mistakes by position, as data URIs, as many as there is room for."""
    found: dict[int, str] = {}
    used = 0
    for position in dict.fromkeys(one.position for each in told for one in each.surest):
        content = picture(position)
        kind = "png" if content.startswith(b"\x89PNG") else "jpeg"
        uri = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
        used += len(uri)
        if used > PICTURE_BYTES:
            break
        found[position] = uri
    return found


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
