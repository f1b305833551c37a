"""Who may use a device: many trainings at once, or one measurement alone, among the processes of one user on one machine.

Each device has two files in the temporary folder, locked by flock(2), which the kernel releases however a process dies. The
first is held shared by trainings and exclusively by a measurement. The second is a turnstile that everybody passes on the
way to the first: a measurement stays in it while it waits, so that trainings that ask later cannot get ahead of it.

A process that holds a device and asks for it again waits for itself for ever. A process that is forked while a lock is held
holds it too, until the lock is released in the ordinary way or both are dead. This module imports only the standard
library.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from nas.errors import MeasurementError, OutputError
from nas.output.file_lock import NO_FLOCK

POLL_SECONDS = 0.02


class DeviceLock:
    """The right to use some devices.

    Args:
        devices: Names of the devices. All processes must name them in the same order, or two may wait for each other.
        folder: Folder of the lock files. Default: the temporary folder, where every process of the user looks.
    """

    def __init__(self, *devices: str, folder: Path | None = None) -> None:
        self._folder = Path(tempfile.gettempdir()) if folder is None else folder
        self._devices = devices

    @contextmanager
    def shared(self) -> Iterator[SharedHold]:
        """A context in which no measurement has a device. It waits for one that runs, or that came first.

        Raises:
            OutputError: A lock file cannot be opened.
        """
        hold = SharedHold([self._pair(device) for device in self._devices])
        hold._take()
        try:
            yield hold
        finally:
            hold._release()

    @contextmanager
    def exclusive(self, wait_seconds: float | None = None) -> Iterator[None]:
        """A context in which nobody else has a device.

        Args:
            wait_seconds: How long to wait for the present holders. Default: for ever.

        Raises:
            MeasurementError: A device was in use all the time.
            OutputError: A lock file cannot be opened.
        """
        end = None if wait_seconds is None else time.monotonic() + wait_seconds
        with ExitStack() as held:
            for device in self._devices:
                turnstile, room = self._pair(device)
                with turnstile.locked(fcntl.LOCK_EX, end):
                    held.enter_context(room.locked(fcntl.LOCK_EX, end))
            yield

    def _pair(self, device: str) -> tuple[_LockFile, _LockFile]:
        """Turnstile and room of a device."""
        name = f"shufflenas-{os.getuid()}-{re.sub(r'[^A-Za-z0-9-]+', '_', device)}"
        return (
            _LockFile(self._folder / f"{name}.turnstile", device),
            _LockFile(self._folder / f"{name}.lock", device),
        )


class SharedHold:
    """A training's hold on its devices."""

    def __init__(self, pairs: list[tuple[_LockFile, _LockFile]]) -> None:
        self._pairs = pairs
        self._held = ExitStack()

    def give_way(self) -> bool:
        """Lets a waiting measurement go first, and returns when it is done. The result says whether there was one.

        If nobody waits, this takes a few microseconds, so that it can be called at each step.
        """
        if not any(turnstile.is_taken() for turnstile, _ in self._pairs):
            return False
        self._release()
        self._take()
        return True

    @contextmanager
    def apart(self) -> Iterator[None]:
        """A context in which measurements have the devices, for a training that waits for something else."""
        self._release()
        try:
            yield
        finally:
            self._take()

    def _take(self) -> None:
        with ExitStack() as taken:
            for turnstile, room in self._pairs:
                with turnstile.locked(fcntl.LOCK_EX):
                    taken.enter_context(room.locked(fcntl.LOCK_SH))
            self._held = taken.pop_all()

    def _release(self) -> None:
        self._held.close()


class _LockFile:
    def __init__(self, path: Path, device: str) -> None:
        self._path = path
        self._device = device

    @contextmanager
    def locked(self, mode: int, end: float | None = None) -> Iterator[None]:
        """A context in which a file is locked. It waits until the file is free, at most until `end` on the monotonic clock.

        Raises:
            MeasurementError: The file was not free in time.
        """
        descriptor = self._locked_descriptor(mode, end)
        try:
            yield
        finally:
            # A child that was forked meanwhile has the descriptor too: closing ours alone would not unlock.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def is_taken(self) -> bool:
        """Whether somebody holds the lock exclusively now."""
        descriptor = self._open()
        try:
            self._flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(descriptor)

    def _locked_descriptor(self, mode: int, end: float | None) -> int:
        while True:
            descriptor = self._open()
            try:
                self._wait(descriptor, mode, end)
                os.utime(descriptor)  # programs that clean the temporary folder leave new files alone
                if self._is_current(descriptor):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise OutputError(f"cannot open the lock file {self._path}: {error.strerror or error}") from error

    def _flock(self, descriptor: int, mode: int) -> None:
        try:
            fcntl.flock(descriptor, mode)
        except OSError as error:
            if error.errno not in NO_FLOCK:
                raise
            raise OutputError(
                f"the file system of {self._path.parent} has no locks ({error.strerror or error}); set TMPDIR to a folder on a "
                "disk of this machine"
            ) from error

    def _wait(self, descriptor: int, mode: int, end: float | None) -> None:
        if end is None:
            self._flock(descriptor, mode)
            return
        while True:
            try:
                self._flock(descriptor, mode | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise MeasurementError(
                        f"the device {self._device} was in use all the time that was waited for it ({self._path}); wait for "
                        "the trainings on it, or stop them"
                    ) from None
                time.sleep(POLL_SECONDS)

    def _is_current(self, descriptor: int) -> bool:
        """Whether the file is still the one that was opened; a lock on a removed file would be known to us alone."""
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False
