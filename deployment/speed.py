"""Latencies of exported files, measured in turn on one CPU thread while no training of ours runs."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch

from deployment.formats import Runner
from deployment.run_images import Pixels
from evaluator.machine import device_name
from evaluator.measuring.exclusive import lock_of, watch_of
from evaluator.measuring.timing import TimeBudget, stopwatch_of, time_runs

ROUNDS = 3
"""Rounds in which every file is measured once, so that a change of the machine's clock meets all of them."""
BUDGET = TimeBudget(warm_up_seconds=0.1, seconds=0.3, least_runs=20)
WAIT_SECONDS = 600.0
"""How long to wait for trainings on this machine, which give way between two steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Latencies of files for one image."""

    milliseconds: Mapping[str, float]
    """The median of each file by its name."""
    machine: str
    disturbed_by: str
    """What disturbed the measurement, in words; empty if nothing did."""


def measure_files(files: Mapping[str, Runner], image: Pixels) -> Latencies:
    """Measures files in turn.

    Args:
        files: The files by name.
        image: One image in the files' layout.

    Raises:
        MeasurementError: A training of ours does not give way.
    """
    device = torch.device("cpu")
    seconds: dict[str, list[float]] = {name: [] for name in files}
    with lock_of(device).exclusive(WAIT_SECONDS):
        end = watch_of(device)()
        for _ in range(ROUNDS):
            for name, run in files.items():
                seconds[name] += time_runs(partial(run, image), stopwatch_of(device), BUDGET).seconds
        disturbed_by = end()
    return Latencies(
        milliseconds={name: 1000 * statistics.median(each) for name, each in seconds.items()},
        machine=device_name(device),
        disturbed_by=disturbed_by,
    )
