"""The behaviour of a search on many workers: driver, sampler and study are real, and trainings take virtual time.

    python -m benchmarks.simulated_cluster --workers 1000 --trials 20000

The space is the mixed conditional one of `benchmarks.samplers`. A training takes a minute on average, with a lognormal
distribution. The driver's own time counts, since workers wait while it proposes.
"""

from __future__ import annotations

import argparse
import logging
import math
import resource
import sys
import time
import warnings
from collections.abc import Sequence

import numpy as np
import optuna
from tqdm import tqdm

from benchmarks.command import command
from benchmarks.searched_spaces import Problem, mixed_problem
from evaluator.lookup import LookupEvaluator
from evaluator.machine import this_machine
from nas.candidate import Candidate
from nas.engines.virtual_time import Faults, VirtualTimeEngine
from nas.objectives import Direction, Objective, ObjectiveKind
from nas.records import Evaluation
from nas.search.driver import Driver
from nas.search.own_search import make_driver

MARKS = (1000, 10_000)


def seconds_of(candidate: Candidate, mean: float) -> float:
    """Seconds of a training: lognormal with this mean and half of it as its deviation, and the same for equal candidates."""
    spread = math.sqrt(math.log(1.25))
    normal = np.random.default_rng(int(candidate.digest, 16)).standard_normal()
    return float(mean * math.exp(spread * normal - spread**2 / 2))


def searched(problem: Problem, sampler: str, trials: int, seed: int = 0) -> Driver:
    """A search that is ready to run."""
    objectives = (
        Objective(name="accuracy", direction=Direction.MAXIMIZE, kind=ObjectiveKind.LEARNED, unit="%", reference=0.0),
        Objective(
            name="macs", direction=Direction.MINIMIZE, kind=ObjectiveKind.KNOWN, unit="", reference=1e9, log=True
        ),
    )
    return make_driver(
        problem.space,
        objectives,
        lambda each: {"macs": problem.cost(each.architecture)},
        trials=trials,
        sampler=sampler,
        seed=seed,
    )


def score(problem: Problem, driver: Driver) -> float:
    """Share of the true front's hypervolume."""
    found = [trial for trial in driver.trials if isinstance(trial.outcome, Evaluation)]
    return problem.score([(trial.values()["accuracy"], trial.costs["macs"]) for trial in found])


class _Watch:
    """Follows a run with a progress bar, and records the time per trial at some numbers of finished trials."""

    def __init__(self, driver: Driver, engine: VirtualTimeEngine, trials: int) -> None:
        self._driver = driver
        self._engine = engine
        self._bar = tqdm(total=trials, unit="trial")
        self._last = (0, 0.0)
        self.latency: dict[int, float] = {}

    def update(self) -> None:
        done = self._driver.handed_out
        if done - self._last[0] >= 200:
            per_trial = (self._engine.driver_seconds - self._last[1]) / (done - self._last[0])
            for mark in MARKS:
                if self._last[0] < mark <= done:
                    self.latency[mark] = per_trial
            self._last = done, self._engine.driver_seconds
        self._bar.update(done - self._bar.n)


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=60.0, help="Mean time of a training.")
    parser.add_argument("--sampler", default="known_cost")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--crashes", type=float, default=0.0, help="Share of trainings that lose their worker.")
    parser.add_argument("--stragglers", type=float, default=0.0, help="Share that take ten times as long.")
    options = parser.parse_args(argv)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    problem = mixed_problem()
    driver = searched(problem, options.sampler, options.trials, options.seed)
    logging.disable(logging.INFO)
    warnings.simplefilter("ignore")

    def accuracies(candidate: Candidate) -> float:
        return problem.accuracy(candidate.architecture)

    engine = VirtualTimeEngine(
        LookupEvaluator(accuracies, lambda candidate: seconds_of(candidate, options.seconds)),
        workers=options.workers,
        faults=Faults(crashes=options.crashes, stragglers=options.stragglers),
        count_driver=True,
    )
    watch = _Watch(driver, engine, options.trials)
    begin = time.perf_counter()
    engine.run(driver, watch.update)
    took = time.perf_counter() - begin
    full = options.trials * options.seconds / options.workers
    print(f"\n{this_machine(1)}")
    print(f"{options.workers} workers, {driver.handed_out} trials, {options.sampler}: {took:.0f} s of real time")
    print(f"utilization {engine.utilization:.3f} over {engine.now / 60:.1f} virtual minutes (at best {full / 60:.1f})")
    print(f"driver {1000 * engine.driver_seconds / driver.handed_out:.1f} ms per trial")
    for mark, latency in watch.latency.items():
        print(f"around {mark} trials {1000 * latency:.1f} ms per trial")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    print(f"share of the true front's hypervolume {score(problem, driver):.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
