"""What a `pareto.json` says beside its networks: the space, the images, and from where the hypervolume is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.errors import OutputError
from nas.values.json_fields import MalformedError, entry, mapping, number, sequence, text
from nas.values.json_file import read_json


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFront:
    """The description of a front, as `nas.report.tables.front_json` writes it."""

    space: Mapping[str, Any]
    """What `SearchSpace.settings()` returned."""
    data: Mapping[str, Any]
    """Description of the images, as in `SearchResult.data`."""
    references: Mapping[str, float]
    """Reference of each objective by name."""


def read_front(path: Path) -> StoredFront:
    """Reads the description of a front.

    Raises:
        OutputError: The file is missing or is not a front.
    """
    try:
        document = mapping(read_json(path), "the file")
        space = mapping(entry(document, "space", "it"), "space")
        data = mapping(entry(document, "data", "it"), "data")
        found = [mapping(each, "an objective") for each in sequence(entry(document, "objectives", "it"), "objectives")]
        references = {
            text(entry(each, "name", "an objective"), "name"): number(
                entry(each, "reference", "an objective"), "reference"
            )
            for each in found
        }
    except FileNotFoundError as error:
        raise OutputError(f"{path.parent} holds no results of a search: there is no {path.name}") from error
    except MalformedError as error:
        raise OutputError(f"{path} is not a front of this version: {error}") from error
    return StoredFront(space=space, data=data, references=references)
