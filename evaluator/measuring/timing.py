"""Times one call repeatedly, after a warm-up, within a budget of time."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

Call = Callable[[], object]
Stopwatch = Callable[[Call], float]
"""Makes one call and returns its seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeBudget:
    """How much to run. A phase ends by time, but not before its least number of runs."""

    warm_up_seconds: float = 0.3
    """Seconds of the warm-up, in which clocks rise and caches and allocators fill."""
    warm_up_runs: int = 5
    """Least number of warm-up runs."""
    seconds: float = 1.0
    """Seconds of timed runs."""
    least_runs: int = 30
    most_runs: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The times of a call's timed runs."""

    seconds: tuple[float, ...]
    warm_up_runs: int

    @property
    def median(self) -> float:
        """The median time in seconds."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """Interquartile range in seconds; 0 for a single run."""
        if len(self.seconds) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return high - low


def time_runs(call: Call, stopwatch: Stopwatch, budget: TimeBudget) -> Times:
    """Times a call repeatedly, with the garbage collector off."""
    collects = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        warm_up: list[float] = []
        while len(warm_up) < budget.warm_up_runs or sum(warm_up) < budget.warm_up_seconds:
            warm_up.append(stopwatch(call))
        seconds: list[float] = []
        spent = 0.0
        while len(seconds) < budget.least_runs or (spent < budget.seconds and len(seconds) < budget.most_runs):
            seconds.append(stopwatch(call))
            spent += seconds[-1]
    finally:
        if collects:
            gc.enable()
    return Times(seconds=tuple(seconds), warm_up_runs=len(warm_up))


def stopwatch_of(device: torch.device) -> Stopwatch:
    """A stopwatch by the wall clock, or by a GPU's own events.

    On a GPU each run begins when the one before has ended, so that the time that the CPU takes to launch the kernels
    counts, as it does for anybody who waits for the answer.
    """
    return _wall_clock if device.type != "cuda" else _Events(device)


def _wall_clock(call: Call) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


class _Events:
    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._begin = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        self._end = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]

    def __call__(self, call: Call) -> float:
        torch.cuda.synchronize(self._device)
        stream = torch.cuda.current_stream(self._device)
        self._begin.record(stream)
        call()
        self._end.record(stream)
        self._end.synchronize()
        return float(self._begin.elapsed_time(self._end)) / 1e3
