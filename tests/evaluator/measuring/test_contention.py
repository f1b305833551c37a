"""Who else used the device: arithmetic on given counters, and one real look at this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evaluator.measuring import contention
from evaluator.measuring.contention import CpuTimes, all_watches, cpu_watch, gpu_watch, read_cpu_times, read_gpu_use


def at(wall: float, everybody: float, own: float, cores: int = 2) -> CpuTimes:
    return CpuTimes(wall=wall, all=everybody, own=own, cores=cores)


def readings(*values: CpuTimes | None) -> Callable[[], CpuTimes | None]:
    them: Iterator[CpuTimes | None] = iter(values)
    return lambda: next(them)


def test_own_time_is_not_others_time() -> None:
    assert cpu_watch(readings(at(10, 100, 50), at(12, 102, 52)))() == ""


def test_others_may_use_a_tenth_of_the_cores() -> None:
    """In 2 s on 4 cores a tenth is 0.8 s of CPU time."""
    assert cpu_watch(readings(at(10, 100, 50, 4), at(12, 102.75, 52, 4)))() == ""
    reason = cpu_watch(readings(at(10, 100, 50, 4), at(12, 103, 52, 4)))()
    assert reason == "other processes used 0.50 of 4 CPU cores (allowed: 0.40)"


@pytest.mark.parametrize("values", [(None, None), (at(1, 1, 1), None), (at(1, 1, 1), at(1, 1, 1))])
def test_what_cannot_be_told_is_no_quiet_machine(values: tuple[CpuTimes | None, ...]) -> None:
    assert "cannot be told" in cpu_watch(readings(*values))()


def test_the_counters_are_those_of_the_usable_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns are user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice, in hundredths of a second."""
    stat = tmp_path / "stat"
    stat.write_text("cpu 9 9 9 9 9 9 9 9 9 9\ncpu0 1 2 4 8 16 32 64 128 256 512\ncpu1 100 0 0 0 0 0 0 0 0 0\nintr 5\n")
    monkeypatch.setattr(contention, "CPU_TIMES", stat)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0}, raising=False)
    monkeypatch.setattr("os.sysconf", lambda _: 100)
    monkeypatch.setattr("sys.platform", "linux")
    found = read_cpu_times()
    assert found is not None
    assert (found.all, found.cores) == ((1 + 2 + 4 + 32 + 64 + 128) / 100, 1)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 7}, raising=False)
    assert read_cpu_times() is None
    monkeypatch.setattr(contention, "CPU_TIMES", tmp_path / "none")
    assert read_cpu_times() is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/stat")
def test_another_process_is_seen_on_this_machine() -> None:
    """It counts a second of its own CPU time, which others must have had at least."""
    first = read_cpu_times()
    program = "import time\nwhile time.process_time() < 1: pass"
    subprocess.run([sys.executable, "-c", program], check=True)
    second = read_cpu_times()
    assert first is not None
    assert second is not None
    assert (second.all - first.all) - (second.own - first.own) > 0.9


def test_a_gpu_is_looked_at_before_and_after_when_our_kernels_are_out_of_its_count() -> None:
    waited: list[float] = []
    uses = iter([0.0, 3.0])
    end = gpu_watch("GPU-1", lambda _: next(uses), waited.append)
    assert waited == [contention.GPU_SETTLES]
    assert end() == ""
    assert waited == [contention.GPU_SETTLES] * 2


def test_a_gpu_that_others_use_is_told() -> None:
    uses = iter([0.0, 90.0])
    reason = gpu_watch("GPU-1", lambda _: next(uses), lambda _: None)()
    assert reason == "other processes used the GPU: 0% of the time before and 90% after (allowed: 5%)"
    assert "cannot be told" in gpu_watch("GPU-1", lambda _: None, lambda _: None)()


@pytest.mark.parametrize(("script", "use"), [("echo 37", 37.0), ("echo '[N/A]'", None), ("exit 9", None)])
def test_nvidia_smi_is_asked(script: str, use: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert read_gpu_use("GPU-1") == use
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert read_gpu_use("GPU-1") is None


def test_several_watches_say_what_any_of_them_saw() -> None:
    assert all_watches(lambda: lambda: "a", lambda: lambda: "", lambda: lambda: "b")()() == "a; b"
    assert all_watches(lambda: str, lambda: str)()() == ""
