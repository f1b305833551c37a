"""Signs by which a process can be recognized later, perhaps on another machine or after it has ended.

The number of a process is not enough: on another machine, after a restart of this one, or in another container it belongs
to another process, and on this machine it is used again after its owner has ended. So a sign also holds the start of the
machine, the container's process namespace, and the start of the process. This module uses only the standard library.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

BOOT = Path("/proc/sys/kernel/random/boot_id")
NAMESPACE = Path("/proc/self/ns/pid")
ENDED = "ZX"
"""States, in /proc, of a process that has ended."""
_STARTED = 19
"""Position of the start time, in clock ticks since the machine started, among the fields that follow the name in /proc/PID/stat."""


def process_sign() -> dict[str, Any]:
    """The sign of this process, as plain JSON. What the system does not say is left out."""
    told = {"boot": _boot(), "namespace": _namespace(), "started": _started(os.getpid())}
    return {"host": socket.gethostname(), "pid": os.getpid(), **{key: value for key, value in told.items() if value}}


def is_running(sign: Mapping[str, Any]) -> bool | None:
    """Whether the process of a sign is running; None if that cannot be seen from here, or is uncertain.

    For a sign without a start time only the number is checked: if it is in use, that may be by another process.
    """
    pid = sign.get("pid")
    if not isinstance(pid, int) or isinstance(pid, bool) or not 0 < pid < 2**31:
        return None
    here = {"host": socket.gethostname(), "boot": _boot(), "namespace": _namespace()}
    if any(value and sign.get(key, value) != value for key, value in here.items()):
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it exists, but belongs to another user
    if not sign.get("started") or not _started(os.getpid()):
        return None
    return bool(sign["started"] == _started(pid))


def is_of_this_process(sign: Mapping[str, Any]) -> bool:
    """Whether a sign is that of this process."""
    own = process_sign()
    return all(sign.get(key, value) == value for key, value in own.items())


def _boot() -> str:
    with suppress(OSError):
        return BOOT.read_text().strip()
    return ""


def _namespace() -> str:
    with suppress(OSError):
        return str(NAMESPACE.readlink())
    return ""


def _started(pid: int) -> str:
    """When a process began; empty if the system does not say, or if the process has ended and only waits to be reaped."""
    with suppress(OSError, IndexError):
        # The name may hold spaces and brackets itself.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return "" if fields[0] in ENDED else fields[_STARTED]
    return ""
