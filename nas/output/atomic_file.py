"""Files that are replaced in one step, so that a reader, or a crash, finds either the whole old file or the whole new one.

New content is first written to a draft beside the old file, whose name says which process made it. A process that is killed
leaves its draft behind, and the next holder of the folder removes it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
import time
import uuid
from pathlib import Path

from nas.errors import OutputError
from nas.output.process_sign import is_running, process_sign

STALE_SECONDS = 3600.0
"""A draft of a process on another machine, about which nothing can be known, counts as abandoned if nothing in it is younger
than so many seconds.
"""
_DRAFT = re.compile(r"\.(?P<name>.+)-[0-9a-f]{8}\.(?P<pid>\d+)\.(?P<start>\d+)@(?P<host>.+)\.tmp")
_EARLIER = re.compile(
    r"\.((last\.pt|weights\.pt|outcome\.json)-[0-9a-f]{8}"
    r"|(config\.yaml|provenance\.json|trials\.csv|pareto\.(csv|json|png)|report\.html|weights\.pt|candidate\.json)\.\d+\.tmp)"
)
"""Names of drafts of earlier versions, which did not say which process made them."""


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces a file in one step, and makes its folder if it is missing.

    Raises:
        OutputError: The folder or the file cannot be written.
    """
    draft = draft_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def require_writable(flag: str, path: Path) -> None:
    """Refuses a file that cannot be written, before anything is computed for it.

    Args:
        flag: The flag by which a person named the file.
        path: The file, which need not be there, nor its folder.

    Raises:
        OutputError: The file cannot be written; the message names the flag.
    """
    try:
        there = next(place for place in (path.absolute().parent, *path.absolute().parents) if place.exists())
        if path.is_dir():
            raise OutputError(f"{flag} {path}: cannot be written (it is a folder)")
        with tempfile.TemporaryFile(dir=there):
            pass
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"{flag} {path}: cannot be written ({error.strerror or error})") from error


def draft_of(path: Path) -> Path:
    """A new name beside a file or folder, for the draft with which this process will replace it."""
    own = process_sign()
    whose = f"{own['pid']}.{own.get('started', 0)}@{own['host']}".replace("/", "_")
    return path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}.{whose}.tmp")


def sweep(folder: Path, name: str | None = None) -> None:
    """Removes the drafts in a folder whose writers have ended. Only the holder of the folder may call it.

    Args:
        folder: The folder; drafts in its subfolders stay.
        name: Only drafts for the file or folder of this name are removed. Default: drafts for any name.
    """
    for path in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(OSError):  # it has vanished, or is not ours to remove
            if _is_left_behind(path, name):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _is_left_behind(path: Path, name: str | None) -> bool:
    found = _DRAFT.fullmatch(path.name)
    if found is None:
        return name is None and _EARLIER.fullmatch(path.name) is not None
    if name is not None and found["name"] != name:
        return False
    running = is_running({"host": found["host"], "pid": int(found["pid"]), "started": found["start"]})
    if running is not None:
        return not running
    touched = max(each.lstat().st_mtime for each in (path, *path.rglob("*")))
    return time.time() - touched > STALE_SECONDS


def json_bytes(body: object) -> bytes:
    """Indented JSON as bytes, with a final line break."""
    return (json.dumps(body, indent=2) + "\n").encode()
