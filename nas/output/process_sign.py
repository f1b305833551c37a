"""By what a process is known to others that read about it later, perhaps on another machine or after it has ended.

A number of a process says nothing elsewhere: on another machine, after a restart of this one, or in another container it is another
process's, and here it is given again when its owner has ended. So beside it stand the start of the machine, the container's own
count of processes, and when the process began. Standard library alone.
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
"""States of a process that has ended."""
_STARTED = 19
"""Place of the start among the fields of /proc/PID/stat behind the name, in clock ticks since the machine started."""


def process_sign() -> dict[str, Any]:
    """That of this process; plain JSON. What the system does not tell is left out."""
    told = {"boot": _boot(), "namespace": _namespace(), "started": _started(os.getpid())}
    return {"host": socket.gethostname(), "pid": os.getpid(), **{key: value for key, value in told.items() if value}}


def is_running(sign: Mapping[str, Any]) -> bool | None:
    """Whether the process of a sign runs; None if that cannot be seen from here, or is not certain.

    Of a sign without a start the number alone is looked at: where it is in use, that may be another process.
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
        pass  # it is there, and another user's
    if not sign.get("started") or not _started(os.getpid()):
        return None
    return bool(sign["started"] == _started(pid))


def is_of_this_process(sign: Mapping[str, Any]) -> bool:
    """Whether a sign is this process's own."""
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
    """When a process began; empty if the system does not tell, or if it has ended and is only not yet buried."""
    with suppress(OSError, IndexError):
        # The name may hold spaces and brackets itself.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return "" if fields[0] in ENDED else fields[_STARTED]
    return ""
