"""How runs are counted and summed up, with a stopwatch that says what it is told to."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
import torch

from evaluator.measuring.timing import Call, TimeBudget, Times, stopwatch_of, time_runs


def scripted(seconds: Iterator[float]) -> tuple[list[int], Call, object]:
    calls: list[int] = []

    def call() -> object:
        calls.append(1)
        return None

    def stopwatch(call: Call) -> float:
        call()
        return next(seconds)

    return calls, call, stopwatch


def constant(value: float) -> Iterator[float]:
    while True:
        yield value


BUDGET = TimeBudget(warm_up_seconds=1.0, warm_up_runs=3, seconds=2.0, least_runs=5, most_runs=40)


@pytest.mark.parametrize(
    ("seconds", "warm_up", "runs"),
    [
        pytest.param(0.125, 8, 16, id="each phase fills its time"),
        pytest.param(100.0, 3, 5, id="slow calls are made the least number of times"),
        pytest.param(0.001953125, 512, 40, id="fast calls at most so many times"),
    ],
)
def test_a_phase_ends_with_its_time_but_never_before_its_least_number_of_runs(
    seconds: float, warm_up: int, runs: int
) -> None:
    calls, call, stopwatch = scripted(constant(seconds))
    times = time_runs(call, stopwatch, BUDGET)  # type: ignore[arg-type]
    assert (times.warm_up_runs, len(times.seconds), len(calls)) == (warm_up, runs, warm_up + runs)


def test_the_warm_up_is_not_in_the_times() -> None:
    def seconds() -> Iterator[float]:
        yield from (50.0, 40.0, 30.0)
        yield from constant(1.0)

    _, call, stopwatch = scripted(seconds())
    times = time_runs(call, stopwatch, BUDGET)  # type: ignore[arg-type]
    assert set(times.seconds) == {1.0}


def test_median_and_interquartile_range() -> None:
    """Of 1 to 9 and an outlier the quartiles are 3, 5 and 7 (with 9 numbers, linear interpolation)."""
    times = Times(seconds=(9.0, 1.0, 2.0, 8.0, 3.0, 7.0, 4.0, 6.0, 5.0), warm_up_runs=0)
    assert (times.median, times.spread) == (5.0, 4.0)
    assert Times(seconds=(3.0,), warm_up_runs=0).spread == 0.0
    outlier = Times(seconds=(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 100.0), warm_up_runs=0)
    assert (outlier.median, outlier.spread) == (1.0, 0.0)


def test_garbage_is_not_collected_while_a_call_is_timed_but_is_again_afterwards() -> None:
    seen: list[bool] = []
    _, _, stopwatch = scripted(constant(1.0))
    time_runs(lambda: seen.append(gc.isenabled()), stopwatch, BUDGET)  # type: ignore[arg-type]
    assert not any(seen)
    assert gc.isenabled()

    def fails() -> object:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        time_runs(fails, stopwatch, BUDGET)  # type: ignore[arg-type]
    assert gc.isenabled()


def test_the_wall_clock_makes_the_call_once() -> None:
    calls: list[int] = []
    assert stopwatch_of(torch.device("cpu"))(lambda: calls.append(1)) >= 0
    assert calls == [1]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpus_events_wait_for_the_kernels() -> None:
    """A thousand products of 2048x2048 are 17 TFLOP, which no GPU does in the millisecond it takes to launch one of them."""
    device = torch.device("cuda")
    x = torch.randn(2048, 2048, device=device)

    def products() -> None:
        for _ in range(1000):
            x @ x

    assert stopwatch_of(device)(products) > 1e-3
