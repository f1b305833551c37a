"""How many CPU cores this process may use. This module imports only the standard library."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

GROUPS = Path("/proc/self/cgroup")
MOUNTS = Path("/proc/self/mountinfo")


def usable_cores() -> int:
    """Number of CPU cores that this process may use, at least one.

    Under `taskset`, or in a container, it may be smaller than that of the machine, because of the cores that the process
    may run on, or of the share of time that its control group, or one above it, is given (`docker run --cpus 2`). A share
    of 1.5 cores counts as one, since two workers would wait for each other.
    """
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([there, *(int(share) for share in _shares())]))


def _shares() -> Iterator[float]:
    """The limits, in cores, that control groups of both versions set on the CPU time."""
    mounts = list(_mounts())
    for line in _lines(GROUPS):
        number, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        kind = "cgroup2" if number == "0" and not controllers else "cgroup"
        if kind == "cgroup" and "cpu" not in controllers.split(","):
            continue
        for mounted, root, place, options in mounts:
            if mounted == kind and (kind == "cgroup2" or "cpu" in options):
                yield from _shares_of(place, PurePosixPath("/", group), PurePosixPath(root))


def _shares_of(place: Path, group: PurePosixPath, root: PurePosixPath) -> Iterator[float]:
    """The limits of a group, and of all groups above it that are visible from here.

    In a container the group's path may be that of the machine, of which only a part is mounted, or be mounted as the root.
    """
    inside = group.relative_to(root) if group.is_relative_to(root) else PurePosixPath(".")
    for each in (inside, *inside.parents):
        folder = place / each
        with suppress(ValueError, ZeroDivisionError):
            limit, period = " ".join(_lines(folder / "cpu.max")).split()
            if limit != "max":
                yield int(limit) / int(period)
        with suppress(ValueError, ZeroDivisionError):
            (limit,), (period,) = _lines(folder / "cpu.cfs_quota_us"), _lines(folder / "cpu.cfs_period_us")
            if int(limit) > 0:
                yield int(limit) / int(period)


def _mounts() -> Iterator[tuple[str, str, Path, list[str]]]:
    """Kind, root within its hierarchy, mount point and options of each mount of control groups."""
    for line in _lines(MOUNTS):
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if len(fields) > 4 and len(kind) > 2 and kind[0] in ("cgroup", "cgroup2"):
            yield kind[0], fields[3], Path(fields[4]), kind[2].split(",")


def _lines(file: Path) -> list[str]:
    """The lines of a file of the kernel; none if it does not exist."""
    try:
        return file.read_text(errors="replace").splitlines()
    except OSError:
        return []
