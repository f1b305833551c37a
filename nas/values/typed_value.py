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
        value: A text of the command line, or a value that YAML gave.
        kind: `int`, `float`, `str`, `bool`, a tuple of them, or a union of one of these with None.

    Raises:
        ValueError: The value is of another type; one line says what is expected and what was given.
    """
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    (main,) = (each for each in kinds if each is not NoneType)
    if NoneType in kinds and (value is None or value in ("null", "None") or (value == AUTO and main is not str)):
        return None
    return _of_tuple(value, main) if get_origin(main) is tuple else _of_scalar(value, main)


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
    if not isinstance(value, (list, tuple)) or (length is not None and len(value) != length):
        raise ValueError(f"expected {_list_of(of[0], length)}, got {shown(value)}")
    try:
        return tuple(typed(item, of[0]) for item in value)
    except ValueError:
        raise ValueError(f"expected {_list_of(of[0], length)}, got {shown(value)}") from None


def _list_of(kind: Any, length: int | None) -> str:
    inside = f"lists of {_PLURALS[get_args(kind)[0]]}" if get_origin(kind) is tuple else _PLURALS[kind]
    example = {"numbers": "[0.1, 0.5]", "integers": "[1, 2]", "texts": "[a, b]"}.get(inside, "[[1, 2], [3]]")
    return f"a list of {f'{length} ' if length else ''}{inside} such as {example}"
