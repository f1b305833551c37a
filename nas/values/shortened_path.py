"""Texts without the full paths of this machine, for pages that are sent to others."""

from __future__ import annotations

import re

FULL_PATH = re.compile(
    r"(?:(?<![\w.:/<~-])|(?<=sqlite:///)|(?<=file://)|(?<=:)(?=/[^/]))"  # not in the middle of a word, a URL or a relative path
    r"~?(?:/[^\s/'\"`,;:()\[\]{}<>|]+)+/?"
)
"""A path from the root or from a home folder, as it stands in a sentence, an argument or a URL of a file."""


def without_folders(text: str) -> str:
    """The text, in which only the last part of each full path is left; a text that is a full path is its last part.

    A path with spaces in it is recognized as a whole only if it is the whole text.
    """
    if text.startswith(("/", "~/")) and not re.search(r"\n|[:;,] ", text) and text.strip("/~"):
        return _last(text)
    return FULL_PATH.sub(lambda found: _last(found[0]), text)


def _last(path: str) -> str:
    return path.rstrip("/").rsplit("/", 1)[-1]
