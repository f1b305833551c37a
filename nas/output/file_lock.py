"""A lock in a file that the death of its holder releases: by flock(2), or where a file system lacks it, by a second file.

Lustre without the option `flock`, and some network and FUSE file systems, refuse flock(2). There the lock is a second file
beside the first, made by `open(O_EXCL)`, which says who made it. It is taken over if this machine can see that its process
has ended. Standard library alone, but for the names of our errors.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nas.errors import OutputError
from nas.output.process_sign import is_running, process_sign

NO_FLOCK = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)
"""Errors of a file system that has no flock(2)."""
POLL_SECONDS = 0.05


class HeldError(Exception):
    """Another process holds the lock.

    Args:
        owner: Who holds the lock, in words.
        remedy: What to do if the owner has ended; empty if the system itself releases the lock then.
    """

    def __init__(self, owner: str, remedy: str = "") -> None:
        super().__init__(owner)
        self.owner = owner
        self.remedy = remedy


class FileLock:
    """A lock that one process at a time can hold.

    Args:
        path: Path of the file, which is made if it is missing; its folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._own_file: Path | None = None

    def take(self) -> None:
        """Takes the lock if it is free.

        Raises:
            HeldError: Another process holds the lock.
            OutputError: The file cannot be made or written.
        """
        try:
            while not self._try():
                pass
        except OSError as error:
            raise OutputError(f"cannot lock {self._path}: {error.strerror or error}") from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """A context in which this process holds the lock; it waits until the lock is free.

        Raises:
            OutputError: The file cannot be made or written.
        """
        while True:
            try:
                self.take()
                break
            except HeldError:
                time.sleep(POLL_SECONDS)
        try:
            yield
        finally:
            self.release()

    def release(self) -> None:
        """Releases the lock. The file that flock(2) is applied to stays."""
        if self._own_file is not None:
            self._own_file.unlink(missing_ok=True)
            self._own_file = None
        if self._descriptor is not None:
            # A child that was forked meanwhile has the descriptor too: closing ours alone would not unlock.
            with suppress(OSError):
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)
            self._descriptor = None

    def _try(self) -> bool:
        """Whether the lock was taken. If not, the file was removed or taken over meanwhile, and another attempt is due."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
                raise HeldError(f"process {owner or 'unknown'}") from None
            except OSError as error:
                if error.errno not in NO_FLOCK:
                    raise
                if not self._make_own_file():
                    return False
            if not self._is_current(descriptor):
                return False
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            self._descriptor, descriptor = descriptor, -1
            return True
        finally:
            if descriptor >= 0:
                if self._own_file is not None:
                    self._own_file.unlink(missing_ok=True)
                    self._own_file = None
                os.close(descriptor)

    def _is_current(self, descriptor: int) -> bool:
        """Whether the file is still the one that was opened; a lock on a removed file would be known to us alone."""
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    def _make_own_file(self) -> bool:
        file = self._path.with_name(f"{self._path.name}.owner")
        made = file.with_name(f"{file.name}.{uuid.uuid4().hex}")
        # It is linked, not opened in place, so that nobody reads half of it. This also works on NFS, where an answer may be lost.
        made.write_text(json.dumps(process_sign()))
        try:
            try:
                os.link(made, file)
            except FileExistsError:
                _refuse_or_remove(file)
                return False
            except OSError as error:
                if error.errno not in (*NO_FLOCK, errno.EPERM):
                    raise
                # The file system has no hard links, as on memory sticks.
                try:
                    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
                except FileExistsError:
                    _refuse_or_remove(file)
                    return False
                with os.fdopen(descriptor, "w") as opened:
                    opened.write(made.read_text())
            self._own_file = file
            return True
        finally:
            made.unlink(missing_ok=True)


def _refuse_or_remove(file: Path) -> None:
    """Removes the file of a process that has ended, else raises a HeldError."""
    try:
        said = file.read_text(errors="replace")
    except FileNotFoundError:
        return
    owner = _owner(said)
    running = is_running(owner)
    remedy = f"if it has ended, remove {file}"
    if not owner:
        raise HeldError("process unknown", remedy)
    if running is not False:
        raise HeldError(f"process {owner.get('pid')} on {owner.get('host')}", "" if running else remedy)
    # Two processes may see that it has ended. One that moves away a file that the other has made since then puts it back.
    aside = file.with_name(f"{file.name}.{uuid.uuid4().hex}")
    with suppress(FileNotFoundError):
        file.rename(aside)
        if aside.read_text(errors="replace") != said:
            with suppress(FileExistsError):
                os.link(aside, file)
        aside.unlink()


def _owner(said: str) -> Mapping[str, Any]:
    try:
        found = json.loads(said)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
