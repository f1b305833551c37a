"""Reads a `pareto.json`: its networks, and beside them the space, the images, and from where the hypervolume is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.candidate import Candidate
from nas.cost_rule import COSTS_VERSION, FIRST_VERSION
from nas.dimensions import Genotype
from nas.errors import OutputError
from nas.values.json_fields import (
    MalformedError,
    entry,
    mapping,
    number,
    numbers,
    scalars,
    sequence,
    shown,
    text,
    whole,
)
from nas.values.json_file import read_json
from nas.values.local_path import local_path

FORMAT = 1
"""Version of the format of pareto.json. It is raised when readers of the old format could not read the new one."""


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


@dataclass(frozen=True, slots=True)
class Member:
    """A network of a front that was read from a file."""

    trial: int
    genotype: Genotype
    candidate: Candidate
    values: Mapping[str, float]
    """Values by objective name."""
    costs_version: object
    """Version of the count by which the costs were stated."""


def read_candidates(path: str | Path) -> list[Candidate]:
    """The candidates in a `pareto.json`, cheapest first. It raises the same errors as `read_members`."""
    return [member.candidate for member in read_members(path)]


def read_members(path: str | Path) -> list[Member]:
    """The front in a `pareto.json`, cheapest first.

    Raises:
        OutputError: The file cannot be read, is not a front, has another format, or a candidate does not match its digest.
    """
    path = local_path(path)
    try:
        document = read_json(path)
    except FileNotFoundError as error:
        raise OutputError(f"cannot read {path}: {error.strerror or error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("members"), list):
        raise OutputError(f"{path} is not a front: it has no list of members; pareto.json of a search is one")
    if document.get("format") != FORMAT:
        raise OutputError(f"{path} is of format {shown(document.get('format'))}; this version reads format {FORMAT}")
    version = document.get(COSTS_VERSION, FIRST_VERSION)
    return [_read_member(member, position, path, version) for position, member in enumerate(document["members"])]


def _read_member(member: Any, position: int, path: Path, costs_version: int) -> Member:
    try:
        of = f"member {position}"
        member = mapping(member, of)
        candidate = Candidate.from_json(entry(member, "candidate", of))
        found = Member(
            whole(entry(member, "trial", of), "trial"),
            scalars(entry(member, "genotype", of), "genotype"),
            candidate,
            numbers(entry(member, "values", of), "values"),
            costs_version,
        )
        digest = text(entry(member, "digest", of), "digest")
    except MalformedError as error:
        raise OutputError(f"{path}: member {position} is not a candidate ({error})") from error
    if digest != candidate.digest:
        raise OutputError(
            f"{path}: member {position} has digest {shown(digest)}, but its candidate gives {candidate.digest!r}"
        )
    return found
