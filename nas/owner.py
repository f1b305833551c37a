"""Who made a file: a process, known by its machine, its number and its start, since numbers are given again."""

from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Owner:
    """A process."""

    host: str
    pid: int
    start: int
    """In ticks of the clock since the machine's start; 0 where the system does not tell."""

    @classmethod
    def here(cls) -> Owner:
        """This process."""
        return cls(_host(), os.getpid(), _start(os.getpid()) or 0)

    @property
    def is_local(self) -> bool:
        """Whether it was of this machine, or container."""
        return self.host == _host()

    @property
    def has_ended(self) -> bool:
        """Whether it, being local, is there no more."""
        return _start(self.pid) != self.start


def _host() -> str:
    return socket.gethostname().replace("/", "_")


def _start(pid: int) -> int | None:
    """When a process started; None if there is none."""
    if not Path("/proc/self/stat").exists():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            pass
        return 0
    with contextlib.suppress(OSError):
        values = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if values[0] in "ZX" else int(values[19])
    return None
