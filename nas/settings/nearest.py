"""Finds the settings that an unknown name may stand for."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

CLOSE, FAR = 0.8, 0.5
"""Similarities, from 0 to 1, above which a whole name is surely a typing error of another, and above which it may be one."""
MOST = 3
"""Most settings that are suggested."""


def nearest_settings(key: str, known: Sequence[str]) -> list[str]:
    """The known settings that a dotted name may stand for, the likeliest first; empty if there are none.

    People remember the last part of a name better than its group: --train.lr stands for --space.lr.
    """
    last = _last(key)
    same = [name for name in known if _last(name) == last]
    if same:
        return same[:MOST]
    if close := difflib.get_close_matches(key, known, n=1, cutoff=CLOSE):
        return close
    parts = difflib.get_close_matches(last, {_last(name) for name in known}, n=1, cutoff=CLOSE)
    if parts:
        return [name for name in known if _last(name) == parts[0]][:MOST]
    return difflib.get_close_matches(key, known, n=1, cutoff=FAR)


def _last(name: str) -> str:
    return name.rpartition(".")[2]
