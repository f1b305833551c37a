"""What a report says about the images: their number, their preparation, and the value of always answering one class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNEVEN = 0.5
"""Classes are uneven if always answering the commonest one makes at most this share of the errors that guessing makes."""


def image_lines(data: Mapping[str, Any]) -> list[str]:
    """A description of the images, in lines for a terminal.

    Args:
        data: Description of the images, as in `nas.search.result.SearchResult.data`.
    """
    first = (
        f"data        {data['name']}: {data['train']:,} train, {data['validation']:,} validation and {data['test']:,} test "
        f"images (the last not used), {data['image_size']}x{data['image_size']}x{data['channels']}, {data['classes']} classes"
    )
    known = majority_sentence(data)
    uneven = uneven_sentence(data)
    return [
        first,
        *(f"            {sentence}" for sentence in data.get("told", ())),
        *([f"            {known}"] if known else []),
        *([f"warning     {uneven}"] if uneven else []),
    ]


def majority(data: Mapping[str, Any]) -> float | None:
    """Percentage of the validation images that belong to the commonest class; None where it is unknown."""
    share = data.get("majority_share")
    return None if share is None else 100 * float(share)


def majority_sentence(data: Mapping[str, Any]) -> str:
    """A sentence that says how often always answering the commonest class is right; empty where it is unknown."""
    alone = majority(data)
    if alone is None:
        return ""
    return (
        f"always answering the commonest class, {data['majority_class']}, is right for {alone:.1f} % of the validation images "
        f"({100 * data['majority_share_of_all']:.2f} % of all images are of it)"
    )


def is_uneven(data: Mapping[str, Any]) -> bool:
    """Whether the commonest class is so common that a share of right answers by itself says little."""
    alone = majority(data)
    return alone is not None and 100 - alone <= 100 * UNEVEN * (1 - 1 / max(int(data["classes"]), 2))


def uneven_sentence(data: Mapping[str, Any]) -> str:
    """A warning if classes are uneven, else an empty text."""
    if not is_uneven(data):
        return ""
    return (
        f"the classes are uneven: {majority(data):.1f} % right answers mean that nothing was learned, and what is learned "
        "about small classes hardly shows in this number; more images of these would help"
    )
