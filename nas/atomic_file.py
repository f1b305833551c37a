"""Files that a reader, or a crash, sees whole: the old one or the new one."""

from __future__ import annotations

import json
import os
from pathlib import Path

from nas.errors import OutputError


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces a file in one step; its folder is made if it is missing.

    Raises:
        OutputError: The folder or the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(content)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def json_bytes(body: object) -> bytes:
    """Indented JSON with a final line break."""
    return (json.dumps(body, indent=2) + "\n").encode()
