"""What is said to a person: the one place through which text goes to the console.

A search that has ended well must not fail because of the place where its table is shown: a stream that takes ascii alone, is
closed, or whose disk is full. And what a person, a file or a library put into a message must not move the cursor or hide what
stands there.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

PLAIN = {"±": "+-", "\u00d7": "x", "·": "*", "\u2013": "-", "\u2212": "-", "…": "...", "≤": "<=", "≥": ">=", "→": "->"}
"""What is written for a character that a stream does not take."""
_TABLE = str.maketrans(PLAIN)


def say(text: str) -> None:
    """Writes to standard output: what was asked for."""
    _write(sys.stdout, text)


def tell(text: str) -> None:
    """Writes to standard error: what a person may want to know beside that."""
    _write(sys.stderr, text)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:
        stream.write(visible(text) + "\n")
        stream.flush()


def visible(text: str) -> str:
    r"""The text with every character that is none to be seen in a form that is: escapes of terminals, NUL, marks of direction.

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
    """Within it standard output and standard error take every text, and fail for no reason."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # Else the next file that is opened would be taken for standard output.
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
    """A text stream that takes every text and never fails; what cannot be written is lost.

    Args:
        stream: None, as Python has it for one that was closed at the start: nothing is written.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes as much of it as the stream takes."""
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
        """Sends on what was written."""
        if self._stream is not None:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self._give_up()

    def isatty(self) -> bool:
        """Whether a person looks at it."""
        try:
            return self._stream is not None and self._stream.isatty()
        except ValueError:  # closed
            return False

    def __getattr__(self, name: str) -> Any:
        if name == "encoding" and self._stream is None:
            return "utf-8"
        return getattr(self._stream, name)

    def _give_up(self) -> None:
        """Lets nothing be written any more, not at the end of the process either, when Python writes what is left."""
        with suppress(OSError, ValueError, AttributeError):
            assert self._stream is not None
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        self._stream = None
