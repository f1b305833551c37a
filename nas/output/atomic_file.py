"""Files that a reader, or a crash, sees whole: the old one or the new one.

What is new is written beside the old as a draft, whose name tells whose it is. A process that is killed leaves its draft; who holds
the folder next sweeps it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import time
import uuid
from pathlib import Path

from nas.errors import OutputError
from nas.output.process_sign import is_running, process_sign

STALE_SECONDS = 3600.0
"""A draft of another machine's process, of which nothing can be known, is left behind when nothing in it is younger than this."""
_DRAFT = re.compile(r"\.(?P<name>.+)-[0-9a-f]{8}\.(?P<pid>\d+)\.(?P<start>\d+)@(?P<host>.+)\.tmp")
_EARLIER = re.compile(
    r"\.((last\.pt|weights\.pt|outcome\.json)-[0-9a-f]{8}"
    r"|(config\.yaml|provenance\.json|trials\.csv|pareto\.(csv|json|png)|report\.html|weights\.pt|candidate\.json)\.\d+\.tmp)"
)
"""Drafts of earlier versions, which told nothing of their process."""


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces a file in one step; its folder is made if it is missing.

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


def draft_of(path: Path) -> Path:
    """A new name beside a file or folder, under which this process makes what shall replace it."""
    own = process_sign()
    whose = f"{own['pid']}.{own.get('started', 0)}@{own['host']}".replace("/", "_")
    return path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}.{whose}.tmp")


def sweep(folder: Path, name: str | None = None) -> None:
    """Removes the drafts in a folder whose writers are gone. For who alone may write there now.

    Args:
        folder: Those in its folders stay.
        name: Of the file or folder whose drafts they are. Default: of any.
    """
    for path in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(OSError):  # it vanishes, or is not ours to remove
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
    """Indented JSON with a final line break."""
    return (json.dumps(body, indent=2) + "\n").encode()
