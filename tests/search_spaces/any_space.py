"""Settings of whichever space, of which mypy knows only what all spaces have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from search_spaces import SPACES, SpaceSettings, space_settings
from search_spaces.settings import ShuffleSettings


def changed(settings: SpaceSettings, **changes: Any) -> SpaceSettings:
    """The settings with other values of fields that their space has."""
    return replace(settings, **changes)


def shuffle_settings(**given: Any) -> ShuffleSettings:
    """See `space_settings`."""
    return as_shuffle_settings(space_settings(**given))


def as_shuffle_settings(settings: SpaceSettings) -> ShuffleSettings:
    assert isinstance(settings, ShuffleSettings)
    return settings


def published_units(name: str) -> tuple[int, ...]:
    """Units of each stage in the published network of a space."""
    settings_class = SPACES[name]().settings_class
    assert issubclass(settings_class, ShuffleSettings)
    return settings_class.published_units
