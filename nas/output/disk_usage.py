"""Measures how much of the disk a folder takes."""

from __future__ import annotations

import contextlib
from pathlib import Path


def folder_size(folder: Path) -> int:
    """Bytes of all files in a folder; files that vanish meanwhile are not counted."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total
