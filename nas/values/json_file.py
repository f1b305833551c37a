"""Reads JSON files that a stranger may have made: only regular files, of bounded size, whose JSON has one meaning."""

from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path
from typing import IO, Any

from nas.errors import OutputError
from nas.values.json_fields import shown

LARGEST_JSON = 64 * 2**20
"""Most bytes of a JSON file; a front of a thousand members takes a few million."""
MOST_DIGITS = 40
"""Most digits of an integer."""


def open_regular(path: Path) -> IO[bytes]:
    """Opens a regular file for reading. A pipe, device, socket or folder is refused without waiting for it.

    Raises:
        FileNotFoundError: There is no file of this path.
        OutputError: The file cannot be opened, or is not a regular file.
    """
    try:
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise OutputError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OutputError(f"{path} is no regular file")
    return file


def read_json(path: Path, *, most: int = LARGEST_JSON, finite: bool = True) -> Any:
    """The content of a JSON file.

    Args:
        path: Path of the file.
        most: Most bytes that the file may have.
        finite: Whether NaN and infinity are refused, which JSON does not have, but Python writes.

    Raises:
        FileNotFoundError: There is no file of this path.
        OutputError: The file cannot be read, is not regular, is too large or not JSON, or has a name twice in one
            object, a number that is not finite or has too many digits, or too deeply nested lists.
    """
    with open_regular(path) as file:
        try:
            content = file.read(most + 1)
        except OSError as error:
            raise OutputError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(content) > most:
        raise OutputError(f"{path} is larger than {most:,} bytes")
    try:
        return parse_json(content.decode(), finite=finite)
    except RecursionError:
        raise OutputError(f"{path} is not JSON that is read here: it is nested too deeply") from None
    except UnicodeDecodeError:
        raise OutputError(f"{path} is not JSON: it is not UTF-8 text") from None
    except ValueError as error:
        raise OutputError(f"{path} is not JSON: {error}") from None


def parse_json(text: str, *, finite: bool = True) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: See `read_json`.
        RecursionError: The text is nested too deeply.
    """
    return json.loads(
        text,
        object_pairs_hook=_once,
        parse_constant=_refuse if finite else float,
        parse_float=_finite if finite else float,
        parse_int=_of_few_digits,
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"{shown(twice)} occurs twice in one object")
    return found


def _refuse(constant: str) -> float:
    raise ValueError(f"it holds {constant}, which is not a finite number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"it holds {shown(text)}, which is not a finite number")
    return value


def _of_few_digits(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"it holds an integer of {len(text):,} digits")
    return int(text)
