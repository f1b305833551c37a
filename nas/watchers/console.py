"""The one place through which text goes to the console.

A search that has succeeded must not fail because its table cannot be shown: the stream may take ASCII only, be closed, or
write to a full disk. And text that a person, a file or a library put into a message must not move the cursor or hide other
text.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

PLAIN = {"±": "+-", "\u00d7": "x", "·": "*", "\u2013": "-", "\u2212": "-", "…": "...", "≤": "<=", "≥": ">=", "→": "->"}
"""Replacements for characters that a stream does not take."""
_TABLE = str.maketrans(PLAIN)


def say(text: str) -> None:
    """Writes to standard output, which is for what was asked for."""
    _write(sys.stdout, text)


def tell(text: str) -> None:
    """Writes to standard error, which is for everything else that a person may want to know."""
    _write(sys.stderr, text)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:
        stream.write(visible(text) + "\n")
        stream.flush()


def visible(text: str) -> str:
    r"""The text with every invisible character escaped: terminal escapes, NUL, marks of text direction.

    >>> visible("a\x1b[2Jb") == r"a\x1b[2Jb"
    True
    """
    return "".join(character if _is_plain(character) else _escaped(character) for character in text)


def _is_plain(character: str) -> bool:
    return character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


@contextmanager
def sturdy_console() -> Iterator[None]:
    """A context in which standard output and standard error take every text and never fail."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # Otherwise the next file that is opened would become standard output.
            os.open(os.devnull, os.O_RDWR)
    before = sys.stdout, sys.stderr
    out, err = _Sturdy(before[0]), _Sturdy(before[1])
    sys.stdout, sys.stderr = out, err
    try:
        yield
    finally:
        out.flush()
        err.flush()
        sys.stdout, sys.stderr = before


class _Sturdy:
    """A text stream that takes every text and never fails. What cannot be written is lost.

    Args:
        stream: The stream to write to. None, as in Python for a stream that was closed at the start, means that nothing
            is written.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes as much of the text as the stream takes."""
        if self._stream is not None:
            try:
                try:
                    self._stream.write(text)
                except UnicodeEncodeError:
                    encoding = self._stream.encoding or "ascii"
                    plain = text.translate(_TABLE).encode(encoding, "backslashreplace").decode(encoding)
                    self._stream.write(plain)
            except (OSError, ValueError):
                self._give_up()
        return len(text)

    def flush(self) -> None:
        """Flushes the stream."""
        if self._stream is not None:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self._give_up()

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        try:
            return self._stream is not None and self._stream.isatty()
        except ValueError:  # closed
            return False

    def __getattr__(self, name: str) -> Any:
        if name == "encoding" and self._stream is None:
            return "utf-8"
        return getattr(self._stream, name)

    def _give_up(self) -> None:
        """Discards all further writes, including those of Python when it flushes its buffers at the end of the process."""
        with suppress(OSError, ValueError, AttributeError):
            assert self._stream is not None
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        self._stream = None
