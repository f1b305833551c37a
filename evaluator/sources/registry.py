"""Finds a dataset: by a registry of known names, in a data root, at a path, or on the Hugging Face hub.

Nothing is opened here, neither an image nor a connection. `reading` opens what was found.
"""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from evaluator.settings import DataSettings
from evaluator.sources.findings import Findings, shown
from evaluator.sources.image_folders import ImageFolders, find_image_folders
from evaluator.sources.split_roles import Role, assign_roles
from nas.errors import DataError, unknown_name
from nas.values.local_path import local_path


class MissingDataError(DataError):
    """A dataset was found in none of the places where it may be."""


class SourceKind(StrEnum):
    """How a source is read."""

    DIGITS = "digits"
    """The digits that are bundled with scikit-learn."""
    PARQUET = "parquet"
    """Local Parquet files."""
    FOLDERS = "folders"
    """Local image files, with one folder per class."""
    HUB = "hub"
    """A dataset id on the Hugging Face hub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known about a dataset by its name."""

    hub_id: str | None
    """Dataset id on the Hugging Face hub; None for the bundled digits."""
    image_column: str = "image"
    label_column: str = "label"
    image_size: int | None = None
    """Side length in pixels to which its images are resized by default."""
    channels: int | None = None
    flip: bool = True
    """Whether a mirrored image still has the same meaning."""
    test_split: str = "test"
    how: str = ""
    """What a person must do in addition to having a connection."""


SOURCES: dict[str, Known] = {
    "digits": Known(hub_id=None, image_size=8, channels=1, flip=False),
    "cifar10": Known(hub_id="uoft-cs/cifar10", image_column="img", image_size=32, channels=3),
    "cifar100": Known(
        hub_id="uoft-cs/cifar100", image_column="img", label_column="fine_label", image_size=32, channels=3
    ),
    "tiny-imagenet": Known(hub_id="zh-plus/tiny-imagenet", image_size=64, channels=3, test_split="valid"),
    "imagenet": Known(
        hub_id="ILSVRC/imagenet-1k",
        image_size=224,
        channels=3,
        test_split="validation",
        how="; accept its terms on huggingface.co and log in with `hf auth login`",
    ),
}
"""The datasets that are known by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A dataset that was found, and where."""

    kind: SourceKind
    location: str
    """The folder, or the dataset id."""
    files: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """The Parquet files of each split, by the name of the split."""
    folders: ImageFolders | None = None
    """The image files in class folders."""
    identity: str
    """A hash that changes when a file is added, removed, resized or rewritten."""
    known: Known | None = None
    told: tuple[str, ...] = ()
    """Sentences on what a person must know about what is used and what is not."""


def requested_size(data: DataSettings) -> int | None:
    """Side length in pixels that was asked for or is known for the dataset; None if the images must decide."""
    if data.image_size is not None:
        return data.image_size
    known = SOURCES.get(data.name)
    return known.image_size if known is not None else None


def find_source(data: DataSettings) -> Source:
    """Finds the dataset that the settings name: under the root, at a path, bundled, or on the hub, in this order.

    Raises:
        MissingDataError: The dataset is nowhere; the message names the places and how to get it.
        DataError: The dataset is there, but faulty.
    """
    known = SOURCES.get(data.name)
    try:
        places = _places(data)
        for place in places:
            if place.is_dir():
                return _local(place, known)
    except (OSError, RuntimeError, ValueError) as error:  # a name too long, a link to itself, an unknown user
        if isinstance(error, DataError):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DataError(f"dataset {data.name!r} cannot be read: {reason}; allowed: a folder of images") from error
    if known is not None and known.hub_id is None:
        return Source(kind=SourceKind.DIGITS, location="scikit-learn", identity="digits", known=known)
    hub_id = known.hub_id if known is not None else data.name
    if hub_id is None or not _is_hub_id(hub_id):
        for place in places:
            if place.exists():
                raise DataError(f"dataset {data.name!r}: {place} is a file; allowed: a folder")
        looked = ", ".join(str(place) for place in places)
        raise MissingDataError(
            f"dataset {data.name!r} is not there; looked for a folder in {looked}. "
            f"{unknown_name('dataset', data.name, SOURCES)}, a Hugging Face id owner/name, or a folder"
        )
    return Source(kind=SourceKind.HUB, location=hub_id, identity=f"hub:{hub_id}", known=known)


def how_to_get(data: DataSettings, source: Source) -> str:
    """Says where a hub dataset was looked for before the hub, and what to do to get it."""
    looked = "".join(f"{place}, then " for place in _places(data))
    how = source.known.how if source.known is not None else ""
    return (
        f"looked for {looked}{source.location} on the Hugging Face hub; to have it without a connection put its "
        f"Parquet files (train-*.parquet, test-*.parquet) into ROOT/{data.name} and give --data.root ROOT{how}"
    )


def _places(data: DataSettings) -> list[Path]:
    """Local folders in which the dataset may be, the preferred one first."""
    places = []
    if data.root is not None:
        places.append(local_path(data.root) / data.name)
        if "/" in data.name:
            places.append(local_path(data.root) / Path(data.name).name)
    if data.name not in SOURCES:
        places.append(local_path(data.name))
    return list(dict.fromkeys(place.resolve() for place in places))


def _is_hub_id(name: str) -> bool:
    parts = name.split("/")
    return len(parts) == 2 and not name.startswith("~") and all(part and part not in (".", "..") for part in parts)


def _local(folder: Path, known: Known | None) -> Source:
    """The dataset in a folder: Parquet files if there are any, else class folders."""
    _require_utf8(str(folder))
    parquet = sorted(folder.glob("*.parquet")) or sorted(folder.glob("data/*.parquet"))
    if parquet:
        return _parquet(folder, parquet, known)
    found = find_image_folders(folder, known.test_split if known is not None else None)
    return Source(
        kind=SourceKind.FOLDERS,
        location=str(folder),
        folders=found,
        identity=found.identity,
        known=known,
        told=found.told,
    )


def _parquet(folder: Path, files: list[Path], known: Known | None) -> Source:
    """Parquet files whose names begin with the name of their split."""
    by_split: dict[str, list[Path]] = {}
    for file in files:
        by_split.setdefault(file.name.removesuffix(".parquet").split("-")[0], []).append(file)
    roles, surplus = assign_roles(by_split, known.test_split if known is not None else None)
    if Role.TRAIN not in roles:
        raise DataError(
            f"{folder} holds Parquet files of the splits {', '.join(sorted(by_split))}, but none of train; "
            "allowed names: train-*.parquet, and test-, validation- or valid-*.parquet"
        )
    findings = Findings()
    for name in surplus:
        findings.add("not used, splits with unknown names", name)
    for beside in sorted(folder.iterdir()):
        if beside.is_dir() and beside != files[0].parent and not beside.name.startswith("."):
            findings.add("not used, folders beside the Parquet files", shown(beside.name))
    for file in files:
        _require_utf8(str(file))
    return Source(
        kind=SourceKind.PARQUET,
        location=str(folder),
        files=tuple((name, tuple(str(file) for file in by_split[name])) for name in roles.values()),
        identity=_identity(folder, [file for name in roles.values() for file in by_split[name]]),
        known=known,
        told=findings.sentences(),
    )


def _require_utf8(path: str) -> None:
    """Refuses a path that the readers of tables could not open.

    Raises:
        DataError: The path is not UTF-8; the message shows it in ASCII.
    """
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"the name {path!a} is not UTF-8; rename it") from error


def _identity(folder: Path, files: list[Path]) -> str:
    """A hash of the files' names, sizes and modification times.

    Raises:
        DataError: One of the files is a folder, a pipe or a device.
    """
    digest = hashlib.sha256()
    for file in files:
        facts = file.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise DataError(f"{file} is not a regular file and is not read")
        digest.update(f"{file.relative_to(folder)}\t{facts.st_size}\t{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()
