"""What the benchmark of many workers says of a run."""

from __future__ import annotations

from benchmarks.simulated_cluster import asks_of_one


def test_one_workers_asks_are_those_around_the_mark():
    seconds = [9.0] * 950 + [0.04] * 49 + [0.05, 0.05] + [0.06] * 49 + [9.0] * 50
    assert asks_of_one(seconds, 1000) == "median 50 ms, 40 to 60 ms, n = 100"
