"""Makes the settings of a space from values given by name, and handles values that belong to another space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, get_type_hints

from nas.errors import SpaceError, unknown_name
from nas.values.typed_value import typed
from search_spaces.settings import SpaceSettings
from search_spaces.settings_json import tuples
from search_spaces.spaces import SPACES, space_class


def settings_of(settings_class: type[SpaceSettings], given: Mapping[str, Any]) -> SpaceSettings:
    """The settings that the given values make, where lists stand for tuples.

    A setting of another space is ignored if it has its default value, since earlier versions wrote the settings of all spaces.

    Raises:
        SpaceError: Settings are known to no space, or belong to others and do not have their defaults; the message names all.
    """
    own = {field.name for field in fields(settings_class)}
    name = str(given.get("name", ""))
    faults = []
    for key, value in given.items():
        fault = None if key in own else foreign_fault(name, key, value)
        if fault is not None:
            faults.append(f"space.{key}: {fault}" if fault else unknown_name("setting of a space", key, own))
    if faults:
        raise SpaceError("; ".join(faults))
    return settings_class(**{key: tuples(value) for key, value in given.items() if key in own})


def owners(key: str) -> dict[str, type[SpaceSettings]]:
    """The spaces that have a setting, by name, with their settings."""
    found = {name: space_class(name).settings_class for name in SPACES}
    return {name: each for name, each in found.items() if any(field.name == key for field in fields(each))}


def foreign_fault(space: object, key: str, value: Any) -> str | None:
    """What is wrong with a setting that a space does not have; None if it can be ignored, empty if no space has it.

    Args:
        space: Name of the space.
        key: Name of the setting.
        value: The given value: a text of the command line, or a value from YAML or JSON.
    """
    there = owners(key)
    if any(_is_default(each, key, value) for each in there.values()):
        return None
    return f"not a setting of {space}, but of {', '.join(there)}; leave it out" if there else ""


def _is_default(settings_class: type[SpaceSettings], key: str, value: Any) -> bool:
    (field,) = (field for field in fields(settings_class) if field.name == key)
    if field.default is MISSING:
        return False
    try:
        return bool(typed(value, get_type_hints(settings_class)[key]) == field.default)
    except ValueError:
        return False
