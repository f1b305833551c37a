"""The overhead of Ray compared with the local engine, and the gain of a second worker, in one run.

    python -m benchmarks.ray_overhead [--trials 500] [--real 12]

It first runs an evaluator that returns at once, with one worker of each engine, and reports milliseconds per trial and the
growth of the driver's memory. Then it runs real short trainings of the quickstart on Ray, with one worker and with two, and
reports seconds from the first epoch to the end.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import optuna

from benchmarks.command import command
from benchmarks.engine_overhead import ours
from evaluator.machine import this_machine
from nas.engines.local import LocalEngine
from nas.engines.ray_tune.engine import RayEngine
from nas.engines.ray_tune.settings import RaySettings
from nas.ports import WorkerSpec
from nas.search.driver import Driver

WARM_UP = 20
"""Trials after which the clock starts, since worker processes are running and everything is imported then."""


class Weighed:
    """An engine that wraps another one and notes this process's resident memory after the warm-up and at the end."""

    def __init__(self, engine: LocalEngine | RayEngine) -> None:
        self._engine = engine
        self.memory: list[float] = []

    def run(self, driver: Driver, on_event: Callable[[], object]) -> None:
        """Runs the wrapped engine."""

        def watch() -> None:
            on_event()
            if driver.handed_out >= WARM_UP and not self.memory:
                self.memory.append(_resident())

        self._engine.run(driver, watch)
        self.memory.append(_resident())

    @property
    def growth(self) -> float:
        """Growth of the memory from the warm-up to the end, in MiB."""
        return self.memory[-1] - self.memory[0]


def at_once(trials: int, make_engine: Callable[[WorkerSpec, Path], LocalEngine | RayEngine]) -> tuple[float, float]:
    """Milliseconds per trial, and the growth of the driver's memory in MiB."""
    engines: list[Weighed] = []

    def weighed(spec: WorkerSpec, logs: Path) -> Weighed:
        engines.append(Weighed(make_engine(spec, logs)))
        return engines[0]

    times = ours(trials, "random", weighed)
    return (times[-1] - times[WARM_UP]) / (len(times) - 1 - WARM_UP) * 1e3, engines[0].growth


def on_ray(spec: WorkerSpec, logs: Path, workers: int = 1) -> RayEngine:
    """A Ray engine with so many workers of one core each."""
    return RayEngine(spec, RaySettings(max_concurrent=workers), cpus=1, gpus=0, logs=logs)


def real(trials: int, workers: int) -> float:
    """Seconds that trainings of the quickstart take."""
    from image_search.command_line import read_settings
    from image_search.plan import Plan
    from image_search.run import study_of
    from nas.output.folder import OutputFolder
    from nas.search.assembly import assemble_driver

    with tempfile.TemporaryDirectory() as place, OutputFolder(Path(place)) as folder:
        flags = ["--search.sampler", "random", "--search.stopping", "none", "--search.trials", str(trials)]
        settings = read_settings([*flags, "--output", place])[0]
        plan = Plan(settings)
        study = study_of(plan, folder)
        driver = assemble_driver(settings.search, study, plan.problem, plan.epochs)
        begin: list[float] = []

        def watch() -> None:
            if driver.epochs and not begin:
                begin.append(time.perf_counter())

        on_ray(plan.worker_spec(folder.checkpoints), folder.logs, workers).run(driver, watch)
        study.close()
        return time.perf_counter() - begin[0]


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=500, help="With an evaluator that returns at once; more than 20.")
    parser.add_argument(
        "--real", type=int, default=12, help="Trainings of the quickstart with one worker and with two; 0: none."
    )
    options = parser.parse_args(argv)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    engines: dict[str, Callable[[WorkerSpec, Path], LocalEngine | RayEngine]] = {
        "local": lambda spec, logs: LocalEngine(spec, workers=1, logs=logs),
        "ray": on_ray,
    }
    print(this_machine(1))
    for name, make_engine in engines.items():
        milliseconds, growth = at_once(options.trials, make_engine)
        print(f"{name:6} {milliseconds:7.1f} ms per trial over {options.trials}, the driver grows by {growth:.0f} MiB")
    if options.real:
        one, two = (real(options.real, workers) for workers in (1, 2))
        print(
            f"{options.real} trainings on ray: {one:.1f} s with one worker, {two:.1f} s with two, {one / two:.2f} times as fast"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
