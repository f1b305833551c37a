"""The settings of a space as JSON, in which equal settings are equal."""

from __future__ import annotations

from dataclasses import fields, replace
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from search_spaces.settings import SpaceSettings

Settings = TypeVar("Settings", bound=SpaceSettings)


def typed(settings: Settings) -> Settings:
    """The settings with every number in its own type, so that equal settings have equal JSON."""
    kinds = get_type_hints(type(settings))
    return replace(
        settings, **{field.name: _of(kinds[field.name], getattr(settings, field.name)) for field in fields(settings)}
    )


def _of(kind: Any, value: Any) -> Any:
    """The value in its type: numbers as floats where floats are expected, and lists as tuples."""
    if get_origin(kind) in (Union, UnionType):
        if value is None:
            return None
        (kind,) = (each for each in get_args(kind) if each is not NoneType)
    if get_origin(kind) is tuple:
        return tuple(_of(get_args(kind)[0], item) for item in value)
    return float(value) if kind is float else value


def plain(value: Any) -> Any:
    """The value with tuples replaced by lists, as in JSON."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, tuple | list) else value


def tuples(value: Any) -> Any:
    """The value with lists replaced by tuples, as in the settings."""
    return tuple(tuples(item) for item in value) if isinstance(value, list) else value
