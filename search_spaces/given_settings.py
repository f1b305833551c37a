"""Settings of a space from what was given by name: its own ones, and what is done with those of another space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from nas.errors import SpaceError, unknown_name
from nas.json_fields import shown
from search_spaces.settings import SpaceSettings
from search_spaces.settings_json import tuples
from search_spaces.spaces import SPACES, space_class


def settings_of(settings_class: type[SpaceSettings], given: Mapping[str, Any]) -> SpaceSettings:
    """Of the given values, where lists stand for tuples.

    A setting of other spaces is left out where it has its default: before each space had settings of its own, every file held those
    of all spaces.

    Raises:
        SpaceError: A setting is known to no space, or is of others and has another value than its default; every one is named.
    """
    own = {field.name for field in fields(settings_class)}
    name = str(given.get("name", ""))
    found = [foreign_fault(name, key, value) for key, value in given.items() if key not in own]
    faults = [fault for fault in found if fault is not None]
    if faults:
        raise SpaceError("; ".join(faults))
    return settings_class(**{key: tuples(value) for key, value in given.items() if key in own})


def owners(key: str) -> dict[str, Field[Any]]:
    """The spaces that have a setting, by name."""
    found = {name: fields(space_class(name).settings_class) for name in SPACES}
    return {name: field for name, each in found.items() for field in each if field.name == key}


def foreign_fault(space: str, key: str, value: Any) -> str | None:
    """What is wrong with a setting that a space does not have, in words; None where it may be left out.

    Args:
        space: Its name.
        key: Name of the setting.
        value: What was given.
    """
    there = owners(key)
    if not there:
        known = sorted({field.name for name in SPACES for field in fields(space_class(name).settings_class)})
        return unknown_name("setting of a space", key, known)
    if any(field.default is not MISSING and tuples(value) == field.default for field in there.values()):
        return None
    return f"space.{key} is no setting of {space}, but of {', '.join(there)}; leave it out (got {shown(value)})"
