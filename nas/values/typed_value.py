"""Converts a text of the command line, or a value of YAML, to a setting's type, or says why that is not possible.

The conversion is strict, because a value that is misread is noticed late or never: 1:30 is not a number (in YAML 1.1 it is
90), nor is 1_0, and a number is never taken for a text.
"""

from __future__ import annotations

import math
import re
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from nas.values.redaction import redact_word, shown_url

AUTO = "auto"
"""Stands for None, the value that the program chooses, where a setting is no text."""
DIGITS = 18
"""Most digits of an integer; so many fit into every file and database."""
SHOWN = 80
"""Most characters of a value that a message shows."""
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?\.?inf(inity)?", re.IGNORECASE | re.ASCII)
_WORDS = {**dict.fromkeys(("true", "yes", "on"), True), **dict.fromkeys(("false", "no", "off"), False)}
_NAMES = {int: "an integer", float: "a number", str: "a text", bool: "true or false"}
_PLURALS = {int: "integers", float: "numbers", str: "texts", bool: "true or false"}


def typed(value: Any, kind: Any) -> Any:
    """The value converted to its type.

    Args:
        value: A text of the command line, or a value that YAML gave. A text such as `8,12` stands for a list of two.
        kind: `int`, `float`, `str`, `bool`, a tuple of them, a tuple of such tuples, or a union of one of these with None.

    Raises:
        ValueError: The value is of another type; one line says what is expected and what was given.
    """
    kinds = _alternatives(kind)
    main = _without_none(kind)
    if NoneType in kinds and (value is None or value in ("null", "None") or (value == AUTO and main is not str)):
        return None
    return _of_tuple(value, main) if get_origin(main) is tuple else _of_scalar(value, main)


def is_list(kind: Any) -> bool:
    """Whether a type is a list, or a list or None."""
    return get_origin(_without_none(kind)) is tuple


def list_words(kind: Any) -> str:
    """The list that a type stands for, in words, with an example as it is written on the command line."""
    of = get_args(_without_none(kind))
    return _list_of(of[0], None if of[-1] is Ellipsis else len(of))


def as_text(value: Any) -> str:
    """A value as the command line takes it."""
    if isinstance(value, list | tuple):
        return f"[{','.join(as_text(item) for item in value)}]"
    return (
        {None: "null", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else str(value)
    )


def list_text(value: Any) -> str:
    """A list as it is written on the command line: with commas, or with brackets where it holds other lists."""
    if any(isinstance(item, tuple) for item in value):
        return str([list(item) for item in value]).replace(" ", "")
    return ",".join(str(item) for item in value)


def _alternatives(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _without_none(kind: Any) -> Any:
    (main,) = (each for each in _alternatives(kind) if each is not NoneType)
    return main


def shown(value: Any) -> str:
    """A value as messages show it: in one line, without a password, and of at most `SHOWN` characters."""
    try:
        text = repr(shown_url(value[: 10 * SHOWN]) if isinstance(value, str) and "://" in value else value)
    except (ValueError, RecursionError):  # Python refuses to write numbers of more than 4,300 digits
        return "a number of thousands of digits" if isinstance(value, int) else "a value that cannot be shown"
    text = redact_word(text[: 10 * SHOWN])
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


def _of_scalar(value: Any, kind: Any) -> Any:
    text = value.strip() if isinstance(value, str) else None
    if kind is str and isinstance(value, str):
        return value
    if kind is bool:
        if isinstance(value, bool):
            return value
        if text is not None and text.lower() in _WORDS:
            return _WORDS[text.lower()]
    if kind is int and not isinstance(value, bool):
        if isinstance(value, int) and abs(value) < 10**DIGITS:
            return value
        if text is not None and _INTEGER.fullmatch(text) and len(text.lstrip("+-0")) <= DIGITS:
            return int(text)
        if isinstance(value, int) or (text is not None and _INTEGER.fullmatch(text)):
            raise ValueError(f"expected an integer of at most {DIGITS} digits, got {shown(value)}")
    if kind is float and not isinstance(value, bool):
        if isinstance(value, int):
            return _as_float(value)
        if isinstance(value, float) and not math.isnan(value):
            return value
        if text is not None and _NUMBER.fullmatch(text):
            return float(text.replace(".inf", "inf"))
    raise ValueError(f"expected {_NAMES[kind]}, got {shown(value)}")


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _of_tuple(value: Any, kind: Any) -> tuple[Any, ...]:
    of = get_args(kind)
    length = None if of[-1] is Ellipsis else len(of)
    if isinstance(value, str) and get_origin(of[0]) is not tuple and not value.startswith(("[", "{")):
        return _of_pieces(value, kind)
    if not isinstance(value, (list, tuple)) or (length is not None and len(value) != length):
        raise ValueError(f"expected {_list_of(of[0], length)}, got {shown(value)}")
    try:
        return tuple(typed(item, of[0]) for item in value)
    except ValueError:
        raise ValueError(f"expected {_list_of(of[0], length)}, got {shown(value)}") from None


def _of_pieces(text: str, kind: Any) -> tuple[Any, ...]:
    """The list that is written without brackets, `8,12`."""
    pieces = [piece.strip() for piece in text.split(",")]
    try:
        if all(pieces):
            return _of_tuple(pieces, kind)
    except ValueError:
        pass
    raise ValueError(f"expected {list_words(kind)}, got {shown(text)}")


def _list_of(kind: Any, length: int | None) -> str:
    if get_origin(kind) is tuple:
        inside = f"lists of {_PLURALS[get_args(kind)[0]]}"
        return f"a list of {f'{length} ' if length else ''}{inside} such as [[1,2],[3]], with brackets since it holds lists"
    example = {"numbers": "0.1,0.5", "integers": "1,2"}.get(_PLURALS[kind], "a,b")
    return f"a list of {f'{length} ' if length else ''}{_PLURALS[kind]} such as {example} or [{example}]"
