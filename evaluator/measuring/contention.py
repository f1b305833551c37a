"""Whether others used a device while something was measured on it. This module imports only the standard library.

A lock keeps our own trainings away; this module looks for all other processes.
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
"""Share of the CPU cores that others may use during a measurement: on two cores, a fifth of one."""
MOST_GPU_USE = 5.0
"""Percentage of the time before or after a measurement in which others may run kernels."""
GPU_SETTLES = 1.0
"""After so many seconds a GPU's own count of its use, which covers up to one second, no longer includes our kernels."""
CPU_TIMES = Path("/proc/stat")
BUSY = (1, 2, 3, 6, 7, 8)
"""Columns of a CPU's line that count as busy: user (includes virtual machines), nice, system, irq, softirq, and time stolen by
the hypervisor.
"""

End = Callable[[], str]
"""Ends a watch, and returns in words what disturbed the measurement; empty if nothing did."""
Watch = Callable[[], End]
"""Begins a watch, and returns the function that ends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuTimes:
    """CPU times up to a moment, in seconds."""

    wall: float
    all: float
    """CPU time of all processes, on the cores that this process may use."""
    own: float
    """CPU time of this process."""
    cores: int
    """Number of cores that this process may use."""


def cpu_watch(read: Callable[[], CpuTimes | None] | None = None) -> End:
    """Watches the CPU: how much time others use on the cores that this process may use.

    Args:
        read: Reads the CPU times; replaced in tests. Default: the system's own counters.
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
    """Watches a GPU: its use just before and just after a measurement, when this process has nothing on it.

    Args:
        identifier: The GPU's identifier in nvidia-smi, such as its UUID.
        read: Reads the GPU's use; replaced in tests. Default: nvidia-smi.
        wait: Sleeps; replaced in tests.
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
    """A watch that reports what any of several watches has seen."""

    def begin() -> End:
        ends = [watch() for watch in watches]
        return lambda: "; ".join(filter(None, [end() for end in ends]))

    return begin


def read_cpu_times() -> CpuTimes | None:
    """CPU times from Linux's counters, in hundredths of a second; None on other systems."""
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
    """Percentage of the last moments in which kernels ran; None if nvidia-smi is missing or does not say."""
    command = ["nvidia-smi", "-i", identifier, "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        return float(done.stdout.strip())
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
