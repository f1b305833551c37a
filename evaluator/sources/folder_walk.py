"""Finds the image files below a folder. Links are followed; what is not used is counted and never opened."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from evaluator.sources.findings import Findings, shown

IMAGE_SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".jp2", ".j2k", ".webp", ".avif", ".bmp", ".dib"),
    *(".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".qoi"),
)
"""Endings of the files that are taken for images, in lower case."""
SYSTEM_FOLDERS = ("__MACOSX", "@eaDir", "lost+found", "System Volume Information", "$RECYCLE.BIN")
"""Names of folders that systems and archives leave beside those of a person."""
UNUSED_LINKS = "not used, folders that a link reaches a second time"


@dataclass(slots=True)
class ClassImages:
    """The contents of a class folder as paths, each list sorted."""

    direct: list[str] = field(default_factory=list)
    """Images in the folder itself."""
    nested: list[str] = field(default_factory=list)
    """Images in the folders below it."""
    folders: list[str] = field(default_factory=list)
    """The sub-folders of the folder."""


@dataclass(slots=True)
class Walk:
    """One walk through a dataset's folder."""

    root: Path
    findings: Findings = field(default_factory=Findings)
    broken: dict[str, str] = field(default_factory=dict)
    """For each file that cannot be read, by its path below the root, the reason."""

    def name(self, path: str) -> str:
        """The path below the root, as messages show it."""
        return shown(os.path.relpath(path, self.root))

    def entries(self, folder: str) -> tuple[list[str], list[str]]:
        """Sorted paths of the sub-folders and of the image files in a folder. Everything else in it is counted."""
        try:
            with os.scandir(folder) as found:
                paths = sorted(entry.path for entry in found)
        except OSError as error:
            self.broken[self.name(folder)] = f"the folder cannot be read ({error.strerror})"
            return [], []
        folders, images = [], []
        for path in paths:
            kind = self._kind(path)
            if kind == "folder":
                folders.append(path)
            elif kind == "image":
                images.append(path)
        return folders, images

    def class_images(self, folder: str) -> ClassImages:
        """The images of a class folder, including those in the folders below it.

        A folder is entered only once, however many links lead to it, and a link to a folder above itself counts as broken.
        """
        found = ClassImages()
        entered: set[str] = set()
        to_do: list[tuple[str, tuple[str, ...]]] = [
            (folder, (os.path.realpath(self.root), os.path.realpath(PurePath(folder).parent)))
        ]
        while to_do:
            path, above = to_do.pop()
            real = os.path.realpath(path)
            if any(PurePath(each).is_relative_to(real) for each in above):
                self.broken[self.name(path)] = "the link leads back to a folder above it"
            elif real in entered:
                self.findings.add(UNUSED_LINKS, self.name(path))
            else:
                entered.add(real)
                folders, images = self.entries(path)
                to_do += [(each, (*above, real)) for each in reversed(folders)]
                if path == folder:
                    found.direct, found.folders = images, folders
                else:
                    found.nested += images
        found.nested.sort()
        return found

    def _kind(self, path: str) -> str:
        """What a directory entry is: a folder, an image, or nothing that is used."""
        name = PurePath(path).name
        if name.startswith("."):
            self.findings.add("not used, hidden files and folders", self.name(path))
            return ""
        try:
            mode = Path(path).stat().st_mode
        except OSError as error:
            self.broken[self.name(path)] = _unreachable(error)
            return ""
        suffix = PurePath(name).suffix
        if stat.S_ISDIR(mode):
            if name in SYSTEM_FOLDERS:
                self.findings.add("not used, folders of the system", self.name(path))
                return ""
            return "folder" if self._encodes(path) else ""
        if not stat.S_ISREG(mode):
            self.broken[self.name(path)] = f"it is {_special(mode)}, which is never read"
        elif suffix.lower() in IMAGE_SUFFIXES:
            return "image" if self._encodes(path) else ""
        else:
            ending = f"files ending in {shown(suffix)}" if suffix else "files without an ending"
            self.findings.add(f"not used, {ending}", self.name(path))
        return ""

    def _encodes(self, path: str) -> bool:
        """Whether a name is UTF-8, so that it can be stored and printed."""
        try:
            path.encode()
        except UnicodeEncodeError:
            self.broken[self.name(path)] = "the name is not UTF-8; rename it"
            return False
        return True


def _unreachable(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "the link leads nowhere"
    if error.errno == errno.ELOOP:
        return "the link leads to itself"
    return f"it cannot be read ({error.strerror})"


def _special(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"
