"""Paths that a person has given: `~` means the home folder, and an impossible path is reported under its setting's name."""

from __future__ import annotations

import os
from pathlib import Path

LONGEST = 4095
"""Most bytes of a path, and of a single name in it, on Linux and macOS; some file systems take less."""
LONGEST_NAME = 255


def local_path(text: str | Path) -> Path:
    """The path with `~` at its start replaced by the home folder, or unchanged if no home folder is known."""
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def path_fault(text: str) -> str | None:
    """In words, why a text cannot be a path on this machine; None if it can."""
    if not text.strip():
        return "is empty"
    if "\0" in text:
        return "holds a NUL character"
    if text.startswith("~") and str(local_path(text)).startswith("~"):
        return f"{Path(text).parts[0]} has no home folder; give the whole path"
    try:
        encoded = os.fsencode(text)
    except UnicodeEncodeError:
        return "holds characters that no path can hold"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "holds bytes that are no text in UTF-8"
    if len(encoded) > LONGEST or any(len(name) > LONGEST_NAME for name in encoded.split(b"/")):
        return f"is too long: a path has {LONGEST} bytes and a name in it {LONGEST_NAME} at most"
    if "://" in text:
        return "is a URL and no path"
    return None
