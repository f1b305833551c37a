"""Whether others used a device while something was measured on it. Standard library alone.

A lock keeps our own trainings away; this looks for everybody else's processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MOST_OTHERS = 0.1
"""Share of the CPU cores that others may use: on two cores a fifth of one."""
MOST_GPU_USE = 5.0
"""Percent of the time before or after a measurement in which others may run kernels."""
GPU_SETTLES = 1.0
"""Seconds after which a GPU's own count of its use, over up to one second, no longer holds our kernels."""
CPU_TIMES = Path("/proc/stat")
BUSY = (1, 2, 3, 6, 7, 8)
"""Columns of a CPU's line: user (virtual machines are in it), nice, system, irq, softirq, what the hypervisor gave to others."""

End = Callable[[], str]
"""What was in the way since the beginning, in words; empty if nothing was."""
Watch = Callable[[], End]
"""Begins to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuTimes:
    """CPU time up to a moment, in seconds."""

    wall: float
    all: float
    """Of everybody, on the cores that this process may use."""
    own: float
    """Of this process."""
    cores: int
    """That this process may use."""


def cpu_watch(read: Callable[[], CpuTimes | None] | None = None) -> End:
    """Watches the CPU: the time that others had on the cores that this process may use.

    Args:
        read: For tests. Default: the system's own counters.
    """
    read = read_cpu_times if read is None else read
    begin = read()

    def end() -> str:
        now = read()
        if begin is None or now is None or now.wall <= begin.wall:
            return "whether other processes used the CPU cannot be told on this system"
        others = ((now.all - begin.all) - (now.own - begin.own)) / (now.wall - begin.wall)
        allowed = MOST_OTHERS * now.cores
        if others <= allowed:
            return ""
        return f"other processes used {others:.2f} of {now.cores} CPU cores (allowed: {allowed:.2f})"

    return end


def gpu_watch(
    identifier: str,
    read: Callable[[str], float | None] | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> End:
    """Watches a GPU: its use just before and just after, when this process has nothing on it.

    Args:
        identifier: As nvidia-smi knows it, such as its UUID.
        read: For tests. Default: nvidia-smi.
        wait: For tests.
    """
    read = read_gpu_use if read is None else read
    wait(GPU_SETTLES)
    before = read(identifier)

    def end() -> str:
        wait(GPU_SETTLES)
        after = read(identifier)
        if before is None or after is None:
            return "whether other processes used the GPU cannot be told: nvidia-smi gives no number"
        if max(before, after) <= MOST_GPU_USE:
            return ""
        return (
            f"other processes used the GPU: {before:.0f}% of the time before and {after:.0f}% after "
            f"(allowed: {MOST_GPU_USE:.0f}%)"
        )

    return end


def all_watches(*watches: Watch) -> Watch:
    """What any of them saw."""

    def begin() -> End:
        ends = [watch() for watch in watches]
        return lambda: "; ".join(filter(None, [end() for end in ends]))

    return begin


def read_cpu_times() -> CpuTimes | None:
    """From Linux's counters, in hundredths of a second; None where there are none."""
    if sys.platform != "linux":
        return None
    cores = os.sched_getaffinity(0)
    try:
        lines = CPU_TIMES.read_text().splitlines()
    except OSError:
        return None
    ticks = 0
    found = 0
    for fields in (line.split() for line in lines):
        if fields and fields[0].startswith("cpu") and fields[0][3:].isdecimal() and int(fields[0][3:]) in cores:
            ticks += sum(int(fields[column]) for column in BUSY)
            found += 1
    if found < len(cores):
        return None
    return CpuTimes(
        wall=time.monotonic(), all=ticks / os.sysconf("SC_CLK_TCK"), own=time.process_time(), cores=len(cores)
    )


def read_gpu_use(identifier: str) -> float | None:
    """Percent of the last moments in which kernels ran; None if nvidia-smi is not there or does not say."""
    command = ["nvidia-smi", "-i", identifier, "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        return float(done.stdout.strip())
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
