"""A search without torch: a small space with known costs, and an evaluator whose accuracy is a formula.

Real parts are used everywhere else; these two stand in for networks and training where the engine is what is tested.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluator.costs import COSTS
from evaluator.measures import MEASURES
from nas.budget import Budget
from nas.candidate import Candidate
from nas.dimensions import Choice, Dimension, FloatRange, Genotype, IntRange, When
from nas.early_stopping import StoppingRule, rungs
from nas.objectives import Objective
from nas.ports import CostFunction, Evaluator, Tell, WorkerSpec
from nas.records import Evaluation, Failure, FailureKind, Measurement, Outcome, Progress, Task
from nas.samplers import sampler_factory
from nas.samplers.distributions import distributions
from nas.search.driver import MAX_LOSSES, Driver
from nas.search.endings import Ending
from nas.search.problem import SearchProblem
from nas.space import SearchSpace
from nas.study.storage import close_storage, open_storage, sqlite_url
from nas.study.study import Study

QUANTITIES = tuple(cost.objective(1.0) for cost in COSTS.values())


class ToySpace(SearchSpace):
    """Width 8 to 64, a kind of mixer, a rank that matters for one kind only, and a learning rate."""

    name = "toy"

    def __init__(self, widths: tuple[int, ...] = (8, 16, 32, 64), *, learning_rate: bool = True) -> None:
        self.widths = widths
        self.learning_rate = learning_rate

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        mixed = (When(name="mixer", values=("learned",)),)
        fixed: tuple[Dimension, ...] = (
            Choice(name="width", choices=self.widths),
            Choice(name="mixer", choices=("fixed", "learned")),
            IntRange(name="rank", low=0, high=3, condition=mixed),
        )
        return (*fixed, FloatRange(name="lr", low=0.01, high=1.0, log=True)) if self.learning_rate else fixed

    def decode(self, genotype: Genotype) -> Candidate:
        active = self.active(genotype)
        training = {"lr": active.pop("lr")} if self.learning_rate else {}
        return Candidate(space=self.name, architecture=active, training=training)

    def baselines(self) -> Mapping[str, Genotype]:
        rate: dict[str, Any] = {"lr": 0.1} if self.learning_rate else {}
        return {f"Toy {width}": {"width": width, "mixer": "fixed", "rank": 0, **rate} for width in self.widths[:2]}

    def settings(self) -> dict[str, Any]:
        return {"settings": {"name": self.name, "widths": list(self.widths)}}

    def build(self, candidate: Candidate) -> Any:
        raise AssertionError("the toy evaluator builds nothing")


def toy_costs(candidate: Candidate) -> Mapping[str, float]:
    """MACs are the width squared, 10 % more for a learned mixer; parameters ten times the width."""
    width = float(candidate.architecture["width"])  # type: ignore[arg-type]
    learned = candidate.architecture["mixer"] == "learned"
    return {"macs": 1000 * width * width * (1.1 if learned else 1.0), "params": 10 * width}


def toy_accuracy(candidate: Candidate) -> float:
    """Percent, rising with the width and the rank."""
    width = float(candidate.architecture["width"])  # type: ignore[arg-type]
    rank = float(candidate.architecture.get("rank", 0) or 0)
    return 100.0 - 400.0 / width + rank


def toy_accuracy_after(task: Task, epochs: int) -> float:
    """Percent on the way: nine tenths of a training's distance from zero are covered in its first third."""
    share = epochs / task.budget.epochs
    return toy_accuracy(task.candidate) * (1 - 0.1 * (1 - share) ** 2)


def toy_evaluation(task: Task, epochs: int) -> Evaluation:
    """What the toy gives after so many epochs."""
    accuracy = Measurement(mean=toy_accuracy_after(task, epochs), std=40.0, n=100)
    curve = [{"epoch": done, "accuracy": toy_accuracy_after(task, done)} for done in range(1, epochs + 1)]
    return Evaluation(measurements={"accuracy": accuracy}, seconds=0.0, epochs=epochs, details={"curve": curve})


class ToyEvaluator:
    """Counts epochs in a checkpoint file, so that a killed training goes on; fails as it is told.

    Args:
        folder: Where checkpoints and the record of trained epochs are kept.
        epoch_seconds: How long an epoch takes.
        failing: Widths whose training diverges.
        deadly: Widths whose training kills the worker process.
        dies_of: The signal with which it does.
        waits_after: Epochs after which a training waits until the file `go` is in the folder.
        hanging: Trials whose first training never says a word.
    """

    def __init__(
        self,
        folder: str,
        epoch_seconds: float,
        failing: Sequence[int],
        deadly: Sequence[int],
        hanging: Sequence[int] = (),
        dies_of: int = signal.SIGKILL,
        waits_after: int | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.epoch_seconds = epoch_seconds
        self.failing = failing
        self.deadly = deadly
        self.dies_of = dies_of
        self.waits_after = waits_after
        self.hanging = hanging

    def evaluate(self, task: Task, progress: Tell) -> Outcome:
        width = task.candidate.architecture["width"]
        checkpoint = self.folder / f"{task.trial}.json"
        process = self.folder / f"{task.trial}.pid"
        if task.trial in self.hanging and not process.exists():
            process.write_text(str(os.getpid()))
            time.sleep(3600)
        process.write_text(str(os.getpid()))
        done = json.loads(checkpoint.read_text())["epochs"] if checkpoint.exists() else 0
        for epoch in range(done, task.budget.epochs):
            while epoch == self.waits_after and not (self.folder / "go").exists():
                time.sleep(0.01)
            time.sleep(self.epoch_seconds)
            if width in self.deadly:
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                os.kill(os.getpid(), self.dies_of)
            if width in self.failing:
                return Failure(kind=FailureKind.DIVERGED, message="loss is nan", epochs=epoch)
            with (self.folder / "epochs.log").open("a") as log:
                log.write(f"{task.trial} {epoch}\n")
            part = checkpoint.with_suffix(f".{os.getpid()}")
            part.write_text(json.dumps({"epochs": epoch + 1}))
            part.replace(checkpoint)
            at_rung = epoch + 1 in task.budget.rungs
            accuracy = toy_accuracy_after(task, epoch + 1) if at_rung else None
            if progress(Progress(trial=task.trial, epochs=epoch + 1, value=accuracy)) is False:
                return toy_evaluation(task, epoch + 1)
        return toy_evaluation(task, task.budget.epochs)


def make_toy_evaluator(**arguments: Any) -> Evaluator:
    return ToyEvaluator(**arguments)


def make_reading_evaluator(arrays: Mapping[str, Any], **arguments: Any) -> Evaluator:
    """Says of the array `numbers` whose memory it lies in."""
    numbers = arrays["numbers"]
    address = numbers.__array_interface__["data"][0]
    maps = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
    ranges = [([int(end, 16) for end in fields[0].split("-")], fields[1]) for fields in maps]
    modes = [mode for (low, high), mode in ranges if low <= address < high]
    said = {
        "pid": os.getpid(),
        "sum": int(numbers.sum()),
        "writeable": numbers.flags.writeable,
        "shared": modes[0].endswith("s"),
    }
    with (Path(arguments["folder"]) / "arrays.log").open("a") as log:
        log.write(json.dumps(said) + "\n")
    return make_toy_evaluator(**arguments)


def toy_worker(
    folder: Path,
    *,
    epoch_seconds: float = 0.0,
    failing: tuple[int, ...] = (),
    deadly: tuple[int, ...] = (),
    hanging: tuple[int, ...] = (),
    dies_of: int = signal.SIGKILL,
    waits_after: int | None = None,
) -> WorkerSpec:
    folder.mkdir(parents=True, exist_ok=True)
    return WorkerSpec(
        factory="tests.toy_search:make_toy_evaluator",
        arguments={
            "folder": str(folder),
            "epoch_seconds": epoch_seconds,
            "failing": list(failing),
            "deadly": list(deadly),
            "hanging": list(hanging),
            "dies_of": int(dies_of),
            "waits_after": waits_after,
        },
    )


def toy_objectives() -> tuple[Objective, ...]:
    return (MEASURES["accuracy"].objective(10), COSTS["macs"].objective(1e7))


def open_toy_study(
    folder: Path,
    space: SearchSpace,
    identity: Mapping[str, Any] | None = None,
    tell: Callable[[str], object] = lambda _text: None,
) -> Study:
    folder.mkdir(parents=True, exist_ok=True)
    storage = open_storage(sqlite_url(folder / "study.db"))
    identity = identity or {"space.name": "toy"}
    try:
        return Study(storage, "toy", toy_objectives(), identity, distributions(space.dimensions), tell=tell)
    except BaseException:
        close_storage(storage)
        raise


def toy_driver(
    folder: Path,
    *,
    trials: int = 8,
    space: SearchSpace | None = None,
    sampler: str = "random",
    seed: int = 0,
    epochs: int = 3,
    limits: Mapping[str, float] | None = None,
    study: Study | None = None,
    stopping: StoppingRule | None = None,
    endings: Sequence[Ending] = (),
    replicates: int = 1,
    max_losses: int = MAX_LOSSES,
    costs: CostFunction = toy_costs,
    measure: CostFunction | None = None,
    unchanged_share: float = 0.0,
) -> Driver:
    space = space or ToySpace()
    problem = SearchProblem(
        space=space,
        costs=costs,
        limits=limits or {},
        seed=seed,
        measure=measure,
        quantities=QUANTITIES,
        unchanged_share=unchanged_share,
    )
    make = sampler_factory(sampler)
    return Driver(
        study=open_toy_study(folder, space) if study is None else study,
        problem=problem,
        sampler=lambda draw: make(problem, draw),
        budget=Budget(epochs=epochs, rungs=() if stopping is None else rungs(epochs)),
        trials=trials,
        stopping=stopping,
        endings=endings,
        replicates=replicates,
        max_losses=max_losses,
    )


def finish(driver: Driver, task: Task, accuracy: float | None = None) -> None:
    """Tells the driver the toy's outcome of a task."""
    mean = toy_accuracy(task.candidate) if accuracy is None else accuracy
    measurement = Measurement(mean=mean, std=40.0, n=100)
    driver.on_outcome(task.trial, Evaluation(measurements={"accuracy": measurement}, seconds=1.0, epochs=3))


def run_inline(driver: Driver) -> None:
    """Drives a search to its end in this process."""
    while not driver.finished:
        task = driver.next_task()
        if task is not None:
            finish(driver, task)
            continue
        assert driver.finished
