"""How many CPU cores there are for this process. Standard library alone."""

from __future__ import annotations

import os
import sys


def usable_cores() -> int:
    """CPU cores this process may run on, which in a container or under `taskset` are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
