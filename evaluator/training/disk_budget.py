"""A limit on the disk space of all checkpoints of a search, observed by every process that writes one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nas.errors import OutputError
from nas.output.disk_usage import folder_size
from nas.output.file_lock import FileLock

LOCK = ".budget"


@dataclass(frozen=True, slots=True)
class DiskBudget:
    """A limit on the size of a folder."""

    folder: Path
    limit: int
    """Largest size in bytes."""

    @contextmanager
    def room(self, needed: int) -> Iterator[bool]:
        """A context that tells whether so many more bytes fit, and in which no other process of the search writes.

        Raises:
            OutputError: The folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"checkpoints cannot be written to {self.folder}: {error.strerror or error}") from error
        with FileLock(self.folder / LOCK).held():
            yield folder_size(self.folder) + needed <= self.limit
