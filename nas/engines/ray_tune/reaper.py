"""Ends what is left of our own Ray when its driver has ended in any way. It is run as a file, with the standard library only.

A driver that is killed with SIGKILL takes most of Ray with it, but two of Ray's agents stay for minutes. While the driver
is alive, this process keeps a list of its Ray processes; when the driver's end of the pipe closes, those that are left are
killed, and the folder of Tune's state is removed.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path

GRACE = 3.0
"""Seconds in which Ray may end by itself."""
LOOK = 2.0
"""Seconds between two looks at the processes."""
MARK = b"/ray/"
"""Part of the command by which a child process of the driver is recognized as Ray's."""

Process = tuple[int, str]
"""Number and start time of a process, since numbers are used again."""


def ray_of(driver: int) -> set[Process]:
    """The Ray processes that a driver has started, and all processes that these have started."""
    processes: dict[int, tuple[int, str]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            values = (folder / "stat").read_text().rpartition(")")[2].split()
            if values[0] != "Z":
                processes[int(folder.name)] = int(values[1]), values[19]
    found = {pid for pid, (parent, _) in processes.items() if parent == driver and MARK in _command(pid)}
    while more := {pid for pid, (parent, _) in processes.items() if parent in found} - found:
        found |= more
    return {(pid, processes[pid][1]) for pid in found}


def reap(processes: set[Process]) -> None:
    """Waits a little, then kills the processes that are still running."""
    deadline = time.monotonic() + GRACE
    while (left := [pid for pid, start in processes if _started(pid) == start]) and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _command(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _started(pid: int) -> str | None:
    with contextlib.suppress(OSError):
        values = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if values[0] == "Z" else values[19]
    return None


def _watch(driver: int, folder: str) -> None:
    """Watches the processes until the driver has ended."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the driver alone decides
        signal.signal(number, signal.SIG_IGN)
    seen: set[Process] = set()
    while not select.select([sys.stdin], [], [], LOOK)[0]:
        seen |= ray_of(driver)
    reap(seen)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _watch(os.getppid(), sys.argv[1])
