"""Decoded sets on disk: plain arrays and a JSON description, with one folder per set.

A set is written into a folder of its own beside the final one and moved there when it is complete, so a reader never sees half a
set, and two processes that decode the same set at once do not disturb each other.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluator.images.stratification import Labels
from evaluator.settings import DataSettings
from evaluator.sources.registry import requested_size
from nas.errors import OutputError
from nas.output.atomic_file import draft_of, sweep
from nas.values.json_file import read_json
from nas.values.local_path import local_path

DESCRIPTION = "set.json"
FORMAT = 3
"""Version of the file format. It is raised when the meaning of the files changes, and older sets are then decoded anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDescription:
    """The description of a decoded set."""

    name: str
    image_size: int
    """Side length in pixels."""
    channels: int
    class_names: tuple[str, ...]
    class_counts: tuple[int, ...]
    """Number of images of each class in all parts."""
    mean: tuple[float, ...]
    """Mean per channel, of the training pixels scaled to 0..1, held-out validation images included."""
    std: tuple[float, ...]
    """Standard deviation per channel, of the training pixels scaled to 0..1, held-out validation images included."""
    train: int
    """Number of training images, including those that become validation images."""
    validation: int
    """Number of the source's own validation images, which come last; if 0, they are carved from the training images."""
    test: int
    carved_test: bool
    """Whether the test images were carved from the training images, as the source has none of its own."""
    content: str
    """SHA-256 over the decoded pixels and labels of all parts, and the number of images that were skipped, if any was."""
    sides: tuple[int, int, int] | None
    """Least, median and greatest shorter side of the images in pixels, where these were read."""
    skipped_images: int
    """Number of images that could not be used."""
    skipped_classes: int
    """Number of classes with too few images."""
    repaired_images: int
    """Number of JPEG files that ended early and were repaired."""
    decoder: str
    """Name and version of the decoder."""
    told: tuple[str, ...]
    """Sentences on what a person must know that was found while decoding."""
    told_of_source: tuple[str, ...]
    """Sentences on what the source contains that was not used."""
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `from_json` takes back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SetDescription:
        """The description that `to_json` wrote."""
        lists = {name: tuple(value) for name, value in data.items() if isinstance(value, list)}
        return cls(**{**data, **lists})


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedSet:
    """A complete set in the cache."""

    folder: Path
    description: SetDescription

    def images(self, part: str) -> npt.NDArray[np.uint8]:
        """Images `uint8[n h w c]` of a part, `train` or `test`, memory-mapped."""
        return _mapped(self.folder / f"{part}_images.npy")

    def labels(self, part: str) -> Labels:
        """Labels `int64[n]` of a part, `train` or `test`."""
        labels: Labels = np.load(self.folder / f"{part}_labels.npy", allow_pickle=False)
        return labels


def _mapped(file: Path) -> npt.NDArray[np.uint8]:
    images: npt.NDArray[np.uint8] = np.load(file, mmap_mode="r", allow_pickle=False)
    return images


def cache_folder(data: DataSettings) -> Path:
    """The folder of all decoded sets."""
    if data.cache is not None:
        return local_path(data.cache)
    base = os.environ.get("XDG_CACHE_HOME", "")
    home = local_path("~/.cache")
    if not base and str(home).startswith("~"):
        # A user without a home folder, as in many containers, gets a private folder in the temporary folder.
        return Path(tempfile.gettempdir()) / f"shufflenas-{os.getuid()}"
    return (Path(base) if base else home) / "shufflenas"


def set_folder(data: DataSettings, identity: str) -> Path:
    """The folder of the set that is decoded from a source of this identity."""
    return cache_folder(data) / f"{_request(data)}-{_short(identity)}"


def newest(data: DataSettings) -> DecodedSet | None:
    """The latest set that was decoded for this request, for a machine that has only the cache."""
    folders = sorted(cache_folder(data).glob(f"{_request(data)}-*"), key=lambda folder: folder.stat().st_mtime)
    sets = [found for folder in reversed(folders) if (found := open_set(folder)) is not None]
    return sets[0] if sets else None


def _request(data: DataSettings) -> str:
    """The request as part of a folder's name, in which a dataset's default size and the same size on request are equal."""
    root = str(local_path(data.root).resolve()) if data.root is not None else None
    asked = json.dumps(
        [
            *(FORMAT, data.name, root, data.image_column, data.label_column, requested_size(data)),
            *(data.skip_broken, data.skip_small_classes),
        ]
    )
    slug = re.sub(r"[^A-Za-z0-9]+", "-", data.name).strip("-")[-40:]
    return f"{slug}-{_short(asked)}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def open_set(folder: Path) -> DecodedSet | None:
    """The set in a folder; None if there is none, or if it is broken."""
    try:
        raw = read_json(folder / DESCRIPTION)
        if raw["format"] != FORMAT:
            return None
        found = DecodedSet(folder=folder, description=SetDescription.from_json(raw))
        for part, count in (("train", found.description.train), ("test", found.description.test)):
            size, channels = found.description.image_size, found.description.channels
            images, labels = found.images(part), found.labels(part)
            if images.shape != (count, size, size, channels) or images.dtype != np.uint8 or labels.shape != (count,):
                return None
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None
    return found


def write_set(folder: Path, fill: Callable[[Path], SetDescription]) -> DecodedSet:
    """Makes a set.

    Args:
        folder: Folder of the set. A broken set in it is replaced.
        fill: Writes the arrays into a given folder and returns their description.

    Raises:
        OutputError: The folder cannot be written.
    """
    sweep(folder.parent, folder.name)
    draft = draft_of(folder)
    try:
        try:
            draft.mkdir(parents=True)
            description = fill(draft)
            (draft / DESCRIPTION).write_text(json.dumps(description.to_json()))
            _move(draft, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"cache folder {folder.parent} cannot be written: {error.strerror or error}; choose another with --data.cache"
        ) from error
    complete = open_set(folder)
    if complete is None:
        raise OutputError(f"decoded set {folder} cannot be read back; choose another folder with --data.cache")
    return complete


def _move(draft: Path, folder: Path) -> None:
    """Moves a complete set to its place, unless another process has done so meanwhile."""
    for _ in range(3):
        try:
            draft.rename(folder)
        except OSError:
            if open_set(folder) is not None or not folder.exists():
                break
            broken = draft_of(folder)
            folder.rename(broken)
            shutil.rmtree(broken, ignore_errors=True)
        else:
            return
    if open_set(folder) is None:
        draft.rename(folder)


def room_for(folder: Path, images: int, size: int, channels: int) -> None:
    """Refuses to begin a set that the disk has no room for, since writing a memory map on a full disk kills the process.

    Raises:
        OutputError: The disk has too little room; the message says how much is needed and how much is free.
    """
    needed = images * size * size * channels
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(
            f"the decoded images need {needed / 2**30:.1f} GiB, but {folder} has {free / 2**30:.1f} GiB free; "
            "choose another folder with --data.cache, or a smaller --data.image_size"
        )
