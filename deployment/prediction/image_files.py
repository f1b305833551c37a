"""The image files that a person names: files as they are, and those in folders, sorted."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from evaluator.sources.findings import shown
from evaluator.sources.folder_walk import Walk
from nas.values.local_path import local_path, path_fault


@dataclass(slots=True)
class ImageFiles:
    """The files that were found."""

    paths: list[str] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    """For each file or folder that cannot be used, as messages show it, the reason."""
    told: list[str] = field(default_factory=list)
    """Sentences on what is in the folders and is not used."""


def find_images(given: Iterable[str]) -> ImageFiles:
    """The files in the order given; in the place of a folder, all images in it and below it, sorted by path.

    A file that is named is used whatever its ending; of those in folders the ones with an ending of images.
    """
    found = ImageFiles()
    for name in given:
        path = local_path(name)
        if fault := path_fault(name):
            found.faults[shown(name)] = f"the path {fault}"
        elif path.is_dir():
            _add_folder(found, path)
        else:
            found.paths.append(str(path))
    return found


def _add_folder(found: ImageFiles, folder: Path) -> None:
    whole = Path(os.path.abspath(folder))  # noqa: PTH100, `..` is taken away, and links stay as they are named
    walk = Walk(whole.parent)
    images = walk.class_images(str(whole))
    paths = sorted([*images.direct, *images.nested])
    found.paths += [str(folder / os.path.relpath(path, whole)) for path in paths]
    found.faults.update(walk.broken)
    found.told += walk.findings.sentences()
    if not paths and not walk.broken:
        found.faults[shown(str(folder))] = "the folder holds no images"
