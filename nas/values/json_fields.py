"""Reads fields of JSON that somebody else may have written: each has the right type, or is refused in one short line."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

from nas.dimensions import Scalar

LARGEST_INTEGER = 2**63 - 1

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60
_SHORT.maxlevel = 3


class MalformedError(ValueError):
    """A field is missing, or is not what it must be; the message names it, its value and what is allowed."""


def shown(value: object) -> str:
    """A value of any origin in a few words, however large or deeply nested it is."""
    try:
        text = " ".join(_SHORT.repr(value).split())
    except RecursionError:
        text = type(value).__name__
    except ValueError:  # Python writes no integer of more than 4,300 digits
        text = "a number of very many digits"
    return text if len(text) <= 120 else text[:117] + "..."


def mapping(value: object, name: str) -> Mapping[str, Any]:
    """The value as a mapping.

    Raises:
        MalformedError: The value is not an object.
    """
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise MalformedError(f"{name} is {shown(value)}; allowed: an object")
    return value


def entry(data: Mapping[str, Any], key: str, name: str) -> Any:
    """The value that an object has under a key.

    Raises:
        MalformedError: The object lacks the key.
    """
    if key not in data:
        raise MalformedError(f"{name} has no {key!r}")
    return data[key]


def sequence(value: object, name: str) -> Sequence[Any]:
    """The value as a list.

    Raises:
        MalformedError: The value is not a list.
    """
    if not isinstance(value, list | tuple):
        raise MalformedError(f"{name} is {shown(value)}; allowed: a list")
    return value


def text(value: object, name: str) -> str:
    """The value as a text.

    Raises:
        MalformedError: The value is not a text.
    """
    if not isinstance(value, str):
        raise MalformedError(f"{name} is {shown(value)}; allowed: a text")
    return value


def whole(value: object, name: str, least: int = 0) -> int:
    """The value as an integer that is not below a minimum.

    Raises:
        MalformedError: The value is not such an integer.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= LARGEST_INTEGER:
        raise MalformedError(f"{name} is {shown(value)}; allowed: an integer of at least {least}")
    return value


def number(value: object, name: str, least: float = -math.inf) -> float:
    """The value, unchanged, as a finite number that is not below a minimum.

    Raises:
        MalformedError: The value is not such a number.
    """
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    if not fits or not max(least, -1e308) <= value <= 1e308:  # type: ignore[operator]
        bound = "" if least == -math.inf else f" of at least {least:g}"
        raise MalformedError(f"{name} is {shown(value)}; allowed: a finite number{bound}")
    return value  # type: ignore[return-value]


def numbers(value: object, name: str) -> dict[str, float]:
    """The value as a mapping of finite numbers.

    Raises:
        MalformedError: The value is not an object of finite numbers.
    """
    return {key: number(each, f"{name}: {key}") for key, each in mapping(value, name).items()}


def scalars(value: object, name: str) -> dict[str, Scalar]:
    """The value as a mapping of texts, finite numbers, booleans and nulls.

    Raises:
        MalformedError: The value is not an object of these.
    """
    found = dict(mapping(value, name))
    for key, each in found.items():
        if isinstance(each, int | float) and not isinstance(each, bool):
            number(each, f"{name}: {key}")
        elif not (each is None or isinstance(each, str | bool)):
            raise MalformedError(f"{name}: {key} is {shown(each)}; allowed: a text, a number, true, false or null")
    return found
