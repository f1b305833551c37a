from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from evaluator.cores import usable_cores


@pytest.mark.skipif(sys.platform != "linux", reason="affinity is a notion of Linux")
def test_only_the_cores_that_this_process_may_run_on_are_counted() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert usable_cores() == len(allowed)


V1 = "30 23 0:28 / {place} rw - tmpfs tmpfs rw\n31 30 0:29 {root} {place}/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
V2 = "31 30 0:29 {root} {place} rw - cgroup2 cgroup2 rw\n"


def limited(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, mounts: str, root: str, groups: str, files: dict[str, str]
) -> int:
    """The cores that are found where the kernel tells this, on a machine of 64."""
    (folder / "mountinfo").write_text(mounts.format(place=folder / "cgroup", root=root))
    (folder / "groups").write_text(groups)
    for name, content in files.items():
        (folder / "cgroup" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup" / name).write_text(content + "\n")
    monkeypatch.setattr("evaluator.cores.GROUPS", folder / "groups")
    monkeypatch.setattr("evaluator.cores.MOUNTS", folder / "mountinfo")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(64)), raising=False)
    return usable_cores()


@pytest.mark.parametrize(
    ("limit", "cores"),
    [
        ("200000 100000", 2),
        ("150000 100000", 1),
        ("50000 100000", 1),
        ("max 100000", 64),
        ("9900000 100000", 64),
        ("", 64),
    ],
)
def test_a_share_of_time_counts_as_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, cores: int
) -> None:
    files = {"cpu.max": limit}
    assert limited(tmp_path, monkeypatch, mounts=V2, root="/", groups="0::/\n", files=files) == cores


def test_a_share_of_a_group_above_counts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"a/cpu.max": "300000 100000", "a/b/cpu.max": "max 100000", "cpu.max": "max 100000"}
    assert limited(tmp_path, monkeypatch, mounts=V2, root="/", groups="0::/a/b\n", files=files) == 3


@pytest.mark.parametrize("root", ["/", "/docker/0123"])
@pytest.mark.parametrize(("quota", "cores"), [("400000", 4), ("-1", 64)])
def test_a_share_is_found_in_the_first_version_of_control_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str, quota: str, cores: int
) -> None:
    """In a container its own group is mounted as the root, or that of the machine is not there."""
    files = {"cpu,cpuacct/cpu.cfs_quota_us": quota, "cpu,cpuacct/cpu.cfs_period_us": "100000"}
    groups = "5:memory:/docker/0123\n4:cpu,cpuacct:/docker/0123\n0::/\n"
    assert limited(tmp_path, monkeypatch, mounts=V1, root=root, groups=groups, files=files) == cores


def test_a_kernel_that_tells_nothing_limits_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert limited(tmp_path, monkeypatch, mounts="", root="/", groups="nonsense\n::\n", files={}) == 64
