"""What a report says of the images: how many there are, what was done to them, and what always answering one class gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNEVEN = 0.5
"""Classes are uneven where always answering the commonest makes at most this share of the errors of guessing."""


def image_lines(data: Mapping[str, Any]) -> list[str]:
    """The images in lines for a terminal.

    Args:
        data: Their description, as in `nas.result.SearchResult.data`.
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
    """Percent of the validation images that are of the commonest class; None where it is not known."""
    share = data.get("majority_share")
    return None if share is None else 100 * float(share)


def majority_sentence(data: Mapping[str, Any]) -> str:
    """What the commonest class alone is worth; empty where it is not known."""
    alone = majority(data)
    if alone is None:
        return ""
    return (
        f"always answering the commonest class, {data['majority_class']}, is right for {alone:.1f} % of the validation images "
        f"({100 * data['majority_share_of_all']:.2f} % of all images are of it)"
    )


def is_uneven(data: Mapping[str, Any]) -> bool:
    """Whether the commonest class is so common that the share of right answers says little by itself."""
    alone = majority(data)
    return alone is not None and 100 - alone <= 100 * UNEVEN * (1 - 1 / max(int(data["classes"]), 2))


def uneven_sentence(data: Mapping[str, Any]) -> str:
    """The warning where classes are uneven, else nothing."""
    if not is_uneven(data):
        return ""
    return (
        f"the classes are uneven: {majority(data):.1f} % right answers mean that nothing was learned, and what is learned "
        "of small classes hardly shows; more images of these would help"
    )
