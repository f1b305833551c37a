"""The cost of a trial beside its training: an evaluator that returns at once, 20 decisions, a SQLite study.

    python -m benchmarks.engine_overhead [--trials 500] [--sampler random] [--workers 1] [--alone]

It prints milliseconds per trial over the whole search and over its last tenth, the peak memory of this process before the
search and after it, and, unless --alone is given, the cost in the same run of plain Optuna (`study.ask`, `study.tell` on
the same kind of storage) for the same decisions.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import optuna

from evaluator.costs import COSTS
from evaluator.machine import this_machine
from evaluator.measures import MEASURES
from nas.budget import Budget
from nas.candidate import Candidate
from nas.dimensions import Choice, Dimension, FloatRange, Genotype
from nas.engines.local import LocalEngine
from nas.ports import Evaluator, Tell, WorkerSpec
from nas.records import Evaluation, Measurement, Outcome, Task
from nas.samplers import SAMPLERS, sampler_factory
from nas.samplers.distributions import distributions
from nas.search.driver import Driver
from nas.search.problem import SearchProblem
from nas.space import SearchSpace
from nas.study.storage import open_storage, sqlite_url
from nas.study.study import Study


class WideSpace(SearchSpace):
    """A space of 18 choices among four and two ranges, with nothing to train."""

    name = "wide"

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        choices = tuple(Choice(name=f"choice{i}", choices=(0, 1, 2, 3)) for i in range(18))
        return (
            *choices,
            FloatRange(name="lr", low=0.01, high=1.0, log=True),
            FloatRange(name="wd", low=0.0, high=1.0),
        )

    def decode(self, genotype: Genotype) -> Candidate:
        return Candidate(space=self.name, architecture=self.active(genotype), training={})

    def baselines(self) -> Mapping[str, Genotype]:
        return {}

    def settings(self) -> dict[str, Any]:
        return {}

    def build(self, candidate: Candidate) -> Any:
        return None


def costs(candidate: Candidate) -> Mapping[str, float]:
    return {"macs": 1e6 + 1e5 * sum(int(candidate.architecture[f"choice{i}"] or 0) for i in range(18))}


class AtOnce:
    """An evaluator that returns an accuracy without doing anything."""

    def evaluate(self, task: Task, progress: Tell) -> Outcome:
        mean = 50.0 + (task.trial * 7919 % 1000) / 50
        accuracy = Measurement(mean=mean, std=40.0, n=100)
        return Evaluation(measurements={"accuracy": accuracy}, seconds=0.0, epochs=1)


def make() -> Evaluator:
    return AtOnce()


class Engine(Protocol):
    """Runs a search."""

    def run(self, driver: Driver, on_event: Callable[[], object]) -> None:
        """Runs until the driver is finished."""
        ...


def ours(trials: int, sampler: str, make_engine: Callable[[WorkerSpec, Path], Engine]) -> list[float]:
    """The times, in seconds of one clock, at which trials were handed out."""
    space = WideSpace()
    with tempfile.TemporaryDirectory() as folder:
        problem = SearchProblem(space=space, costs=costs, limits={}, seed=0)
        factory = sampler_factory(sampler)
        study = Study(
            open_storage(sqlite_url(Path(folder) / "study.db")),
            "overhead",
            (MEASURES["accuracy"].objective(10), COSTS["macs"].objective(1e7)),
            {},
            distributions(space.dimensions),
        )
        driver = Driver(
            study=study,
            problem=problem,
            sampler=lambda seed: factory(problem, seed),
            budget=Budget(epochs=1),
            trials=trials,
        )
        times: list[float] = []

        def watch() -> None:
            times.extend([time.perf_counter()] * (driver.handed_out - len(times)))

        make_engine(WorkerSpec(factory="benchmarks.engine_overhead:make"), Path(folder) / "logs").run(driver, watch)
        return times


def plain_optuna(trials: int, sampler: str) -> float:
    """Milliseconds that an `ask` and a `tell` take in the last tenth."""
    space = WideSpace()
    domains = distributions(space.dimensions)
    with tempfile.TemporaryDirectory() as folder:
        storage = open_storage(sqlite_url(Path(folder) / "study.db"))
        problem = SearchProblem(space=space, costs=costs, limits={}, seed=0)
        study = optuna.create_study(
            directions=["maximize", "minimize"], storage=storage, sampler=sampler_factory(sampler)(problem, 0)
        )
        spans = []
        for number in range(trials):
            start = time.perf_counter()
            trial = study.ask(domains)
            value = costs(space.decode(trial.params))["macs"]
            study.tell(trial, [50.0 + number % 7, value])
            spans.append(time.perf_counter() - start)
        return statistics.fmean(spans[-max(trials // 10, 1) :]) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--sampler", default="random", choices=sorted(SAMPLERS))
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--alone", action="store_true")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    before = peak_memory()
    times = ours(
        options.trials, options.sampler, lambda spec, logs: LocalEngine(spec, workers=options.workers, logs=logs)
    )
    tenth = max(options.trials // 10, 1)
    mean, last = (times[-1] - times[1]) / (len(times) - 2) * 1e3, (times[-1] - times[-1 - tenth]) / tenth * 1e3
    print(this_machine(1))
    print(f"{options.trials} trials, 20 decisions, {options.sampler}, SQLite, {options.workers} worker(s)")
    print(f"this engine    {mean:7.1f} ms per trial, {last:7.1f} ms over the last tenth")
    print(f"peak memory    {before:7.0f} MiB before, {peak_memory():7.0f} MiB after", flush=True)
    if not options.alone:
        peer = plain_optuna(options.trials, options.sampler)
        print(f"plain Optuna   {peer:7.1f} ms an ask and a tell, over the last tenth")


def peak_memory() -> float:
    """Peak memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
