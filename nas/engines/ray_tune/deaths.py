"""Finds out what a worker died of, since Ray says only that its process is gone."""

from __future__ import annotations

import os
import re
import signal
import tempfile
from pathlib import Path

import ray


def signal_of(error: str) -> str | None:
    """Name and meaning of the signal that ended a worker, such as `SIGSEGV: Segmentation fault`, from its log.

    It is None for a worker on another machine, and for SIGKILL, which leaves no trace.

    Args:
        error: Ray's text about the loss of an actor, which names its process and machine.
    """
    process = re.search(r"^\s*pid: (\d+)$", error, re.MULTILINE)
    machine = re.search(r"^\s*ip: (\S+)$", error, re.MULTILINE)
    if process is None or machine is None or machine[1] != ray.util.get_node_ip_address():
        return None
    session = ray.get_runtime_context().get_session_name()
    logs = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()) / "ray" / session / "logs"
    for log in logs.glob(f"worker-*-{process[1]}.err"):
        # Ray's signal handler wrote it, and after it Python's wrote the line of the program.
        if found := re.search(r"^\*\*\* (SIG\w+) received", log.read_text(errors="replace"), re.MULTILINE):
            return f"{found[1]}: {signal.strsignal(signal.Signals[found[1]])}"
    return None
