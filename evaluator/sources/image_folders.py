"""Class folders: which folder is which split, which folders are classes, and which images are used.

No image is opened to find this out. Everything that is not used is counted and reported.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from evaluator.sources.findings import shown
from evaluator.sources.folder_walk import IMAGE_SUFFIXES, ClassImages, Walk
from evaluator.sources.split_roles import NAMES, SPLIT_NAMES, Role, assign_roles
from nas.errors import DataError

NEEDED = f"one sub-folder of images ({', '.join(IMAGE_SUFFIXES)}) per class is needed, directly in it or inside a folder train"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFolders:
    """The images of a dataset of class folders."""

    root: Path
    class_names: tuple[str, ...]
    parts: Mapping[Role, tuple[tuple[str, int], ...]]
    """For each split, the paths of its images with their classes, grouped by class."""
    broken: Mapping[str, str]
    """For each path below the root that cannot be read, the reason: links that lead nowhere, pipes, devices."""
    told: tuple[str, ...]
    """Sentences on what a person must know about what is used and what is not."""
    identity: str
    """A hash that changes when an image is added, removed, resized or rewritten."""


@dataclass(slots=True)
class _Part:
    """A split as it is found."""

    folder: Path
    classes: dict[str, ClassImages] = field(default_factory=dict)

    @property
    def images(self) -> int:
        return sum(len(each.direct) + len(each.nested) for each in self.classes.values())


def find_image_folders(root: Path, test_split: str | None = None) -> ImageFolders:
    """Finds the images in class folders below a folder.

    Args:
        root: The folder that holds the class folders, or the folders of the splits that hold them.
        test_split: The split that a known dataset is tested on.

    Raises:
        DataError: There are no class folders, or the layout is ambiguous; the message names the folders.
    """
    walk = Walk(root)
    folders, images = walk.entries(str(root))
    names = {PurePath(path).name: path for path in folders}
    splits = {name: path for name, path in names.items() if name.lower() in SPLIT_NAMES and _is_split(path)}
    roles, surplus = assign_roles(splits, test_split)
    if Role.TRAIN in roles:
        found = {role: _read(walk, Path(splits[name])) for role, name in roles.items()}
        for name in sorted({*surplus, *names} - set(roles.values())):
            _leave_folder(walk, name, names[name], roles[Role.TRAIN], another=name in surplus)
        _require_apart(walk, found)
        _drop_unlabeled(walk, found)
    else:
        _refuse_lone_splits(walk, names, splits)
        found = {Role.TRAIN: _read(walk, root, folders)}
    _leave_beside(walk, images)
    _require_classes(walk, found[Role.TRAIN])
    return _described(walk, found)


def _is_split(path: str) -> bool:
    """Whether a folder is that of a split: it holds folders and no images. Otherwise it is a class of that name (such as train)."""
    folders, images = Walk(Path(path)).entries(path)
    return bool(folders) and not images


def _read(walk: Walk, folder: Path, folders: list[str] | None = None) -> _Part:
    """Reads the class folders of a split."""
    if folders is None:
        folders, images = walk.entries(str(folder))
        _leave_beside(walk, images)
    part = _Part(folder)
    for path in folders:
        found = walk.class_images(path)
        inside = [each for each in found.folders if PurePath(each).name.lower() in NAMES[Role.TRAIN]]
        if inside and not found.direct:
            raise DataError(
                f"{path} holds a folder {PurePath(inside[0]).name} of its own; allowed: folders train and test that "
                "hold the class folders, not the other way round. For one of several datasets give its folder as --data.name"
            )
        if walk.name(path) not in walk.broken:
            part.classes[PurePath(path).name] = found
    return part


def _leave_beside(walk: Walk, images: Sequence[str]) -> None:
    for image in images:
        walk.findings.add("not used, images beside the class folders", walk.name(image))


def _leave_folder(walk: Walk, name: str, path: str, train: str, *, another: bool) -> None:
    """Counts a folder beside the splits; its images are counted where a person is likely to miss them."""
    if another:
        walk.findings.add("not used, splits of which another folder is used", walk.name(path))
        return
    images = walk.entries(path)[1] if name.lower() in SPLIT_NAMES else []
    for image in images:
        walk.findings.add(f"not used, images of {name}, which has no class folders", walk.name(image))
    if not images:
        walk.findings.add(f"not used, folders beside {train}", walk.name(path))


def _require_apart(walk: Walk, found: Mapping[Role, _Part]) -> None:
    """Refuses links that make one folder part of two splits.

    Raises:
        DataError: Networks would be chosen or tested by images they were trained on; the message names both folders.
    """
    seen: dict[str, Path] = {}
    for part in found.values():
        real = os.path.realpath(part.folder)
        if real in seen:
            raise DataError(f"{part.folder} and {seen[real]} are one folder by a link; allowed: images of their own")
        seen[real] = part.folder


def _drop_unlabeled(walk: Walk, found: dict[Role, _Part]) -> None:
    """Leaves out validation and test folders that hold none of the training classes."""
    for role in (Role.VALIDATION, Role.TEST):
        if role in found:
            part = found[role]
            if not set(part.classes) & set(found[Role.TRAIN].classes):
                kind = f"not used, images of {part.folder.name}, which has none of the training classes"
                for each in part.classes.values():
                    for image in (*each.direct, *each.nested):
                        walk.findings.add(kind, walk.name(image))
                del found[role]


def _refuse_lone_splits(walk: Walk, names: Mapping[str, str], splits: Mapping[str, str]) -> None:
    """Refuses folders of splits that would be taken for classes.

    Raises:
        DataError: There are other splits but none to train on, or folders of all splits hold no class folders.
    """
    if splits:
        raise DataError(
            f"{walk.root} holds {', '.join(sorted(splits))}, but no folder train beside; allowed: class folders alone, or "
            "train with validation and test"
        )
    lower = {name.lower(): path for name, path in names.items()}
    train = next((lower[name] for name in NAMES[Role.TRAIN] if name in lower), None)
    if train is not None and set(lower) <= set(SPLIT_NAMES):
        raise DataError(f"{train} holds no class folders: {NEEDED}, or train-*.parquet files")
    for name in sorted(set(lower) & set(SPLIT_NAMES)):
        walk.findings.add("taken for a class, because it holds images and no class folders", walk.name(lower[name]))


def _require_classes(walk: Walk, part: _Part) -> None:
    """Refuses a folder that does not hold at least two classes.

    Raises:
        DataError: There are no class folders, or there is a single one, in which the classes are likely to be.
    """
    if not part.images and not walk.broken:
        found = "; ".join(walk.findings.sentences())
        there = f" ({found})" if found else ""
        raise DataError(f"{part.folder} holds no class folders: {NEEDED}, or train-*.parquet files{there}")
    if len(part.classes) == 1:
        ((name, only),) = part.classes.items()
        if len(only.folders) > 1 and not only.direct:
            raise DataError(
                f"{part.folder} holds one class folder, {name}, but two classes are needed; if the classes are the "
                f"folders inside it, give --data.name {part.folder / name}"
            )


def _described(walk: Walk, found: Mapping[Role, _Part]) -> ImageFolders:
    names = sorted({name for part in found.values() for name in part.classes})
    lower = Counter(name.lower() for name in names)
    for name in names:
        if lower[name.lower()] > 1:
            walk.findings.add(
                "taken for separate classes, folders whose names differ only in capital letters", shown(name)
            )
    parts: dict[Role, tuple[tuple[str, int], ...]] = {}
    grouped = not any(each.direct for each in found[Role.TRAIN].classes.values())
    for role, part in found.items():
        files: list[tuple[str, int]] = []
        for label, name in enumerate(names):
            own = part.classes.get(name, ClassImages())
            files += [(path, label) for path in sorted([*own.direct, *own.nested])]
            if own.nested:
                kind = "taken with their class, images in folders below its folder"
                if grouped:
                    kind += " (are those the classes? then put them, or links to them, into one folder)"
                walk.findings.add(kind, walk.name(own.nested[0]), len(own.nested))
        parts[role] = tuple(files)
    identity = _identity(walk, [path for files in parts.values() for path, _ in files])
    return ImageFolders(
        root=walk.root,
        class_names=tuple(names),
        parts=parts,
        broken=dict(walk.broken),
        told=walk.findings.sentences(),
        identity=identity,
    )


def _identity(walk: Walk, files: Sequence[str]) -> str:
    """A hash of the files' names, sizes and modification times, and of what is broken; files that are reached twice are counted."""
    digest = hashlib.sha256()
    seen = set()
    for file in files:
        facts = Path(file).stat()
        if (facts.st_dev, facts.st_ino) in seen:
            walk.findings.add("used once per link, image files that several links lead to", walk.name(file))
        seen.add((facts.st_dev, facts.st_ino))
        digest.update(f"{os.path.relpath(file, walk.root)}\t{facts.st_size}\t{facts.st_mtime_ns}\n".encode())
    for name, reason in sorted(walk.broken.items()):
        digest.update(f"{name}\t{reason}\n".encode())
    return digest.hexdigest()
