"""A study in an Optuna journal, a file to which each operation is appended as a line of JSON.

It is meant for folders that are shared over a network, where the locks of SQLite do not hold. Nothing in it is unpickled:
Optuna's snapshots, which are pickles, are made for backends that store snapshots alone, and the file is none of those (a
test holds it to that).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock, JournalStorage

from nas.errors import StudyError
from nas.values.local_path import local_path

if TYPE_CHECKING:
    from collections.abc import Generator

    from optuna.storages import BaseStorage

_START = b'{"op_code":'
_REMEMBERED = 256
"""Number of bytes before a position in a journal by which that position is recognized."""


class WholeLinesLock(JournalFileOpenLock):
    """The lock under which a journal is written. Whoever holds it finds a file that ends with a whole line.

    A writer that is killed, or a full disk, may leave a part of a line, which nobody was told had been written. The next
    line would be joined to it, both would be unreadable, and Optuna would read nothing beyond them. So the part is cut off.

    The lock is made by `open(O_EXCL)`, which is reliable on NFS from version 3 on. There, unlike a symbolic link, it can be
    repeated safely when an answer is lost. Both kinds of lock use the same name, so they exclude each other.

    Args:
        path: Path of the journal.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path

    def acquire(self) -> bool:
        """Waits for the lock. The lock of a writer that died is taken over after 30 seconds."""
        super().acquire()
        try:
            _cut_torn_line(self._path)
        except OSError:
            self.release()
            raise
        return True

    def release(self) -> None:
        """Releases the lock.

        Raises:
            OSError: Another process has taken the lock over, because this one stood still for 30 seconds.
        """
        try:
            super().release()
        except RuntimeError as error:
            raise OSError(f"the lock of {self._path} was taken over by another process") from error


class GrowingJournal(JournalFileBackend):
    """A journal that only grows, so that what was read of it must still be there.

    Optuna remembers how far it has read. In a file that was cut, or replaced by another one, it would continue in the
    middle of a line, or wait for ever; and what it then wrote would make one study of the rest of the old file and what
    came later.

    Args:
        path: Path of the journal.
    """

    def __init__(self, path: Path) -> None:
        self._journal = path
        self._end = 0
        self._last = b""
        super().__init__(str(path), lock_obj=WholeLinesLock(path))

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """Reads the operations from a given number on."""
        self._refuse_cut()
        yield from super().read_logs(log_number_from)
        self._remember()

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Appends operations at the end."""
        self._refuse_cut()
        super().append_logs(logs)

    def _remember(self) -> None:
        """Remembers how far the file was read, and the bytes before that position."""
        self._end = max(self._log_number_offset.values())
        self._last = self._before(self._end)

    def _before(self, end: int) -> bytes:
        with self._journal.open("rb") as file:
            file.seek(max(0, end - _REMEMBERED))
            return file.read(min(end, _REMEMBERED))

    def _refuse_cut(self) -> None:
        try:
            same = self._before(self._end) == self._last
        except FileNotFoundError:
            same = False
        if not same:
            raise StudyError(
                f"the journal {self._journal} was cut, replaced or removed while this search ran; nothing more is written to it. "
                "Checkpoints and models stay as they are; put the journal back, from a backup or from who changed it, and the "
                "same command continues"
            )


def open_journal(path: str) -> BaseStorage:
    """The storage in a journal file, which is made if it is missing.

    Args:
        path: Path of the file, relative to the working directory.

    Raises:
        OSError: The file cannot be made, read or written.
        ValueError: The file is not a journal.
    """
    if not path:
        raise ValueError("the path of the file is missing")
    # Absolute, because the working directory may change.
    file = local_path(path).resolve()
    try:
        if file.exists():
            _refuse_other_files(file)
        storage = JournalStorage(GrowingJournal(file))
        with file.open("ab"):  # being able to read it does not mean that it can be written
            return storage
    except OSError as error:
        raise OSError(error.strerror or str(error)) from error
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"it is not a journal of Optuna, or it is broken ({error})") from error


def _refuse_other_files(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(len(_START))
    if not _START.startswith(start):
        raise ValueError("it holds something else")


def _cut_torn_line(path: Path) -> None:
    with path.open("r+b") as file:
        end = kept = file.seek(0, 2)
        while kept:
            start = max(0, kept - 65536)
            file.seek(start)
            newline = file.read(kept - start).rfind(b"\n")
            kept = start + newline + 1
            if newline >= 0:
                break
        if kept < end:
            file.truncate(kept)
