"""Trains arms and keeps the results, one line of JSON per finished run. Runs that have a line are not trained again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.ablation.arms import ARMS, Images, build, candidate, cost, stage_channels, usual_channels
from benchmarks.ablation.branching import Trunk, begin_from_trunk
from benchmarks.ablation.settings import AblationSettings, Settings
from benchmarks.trainings import Key, Plan, Record, Records, complete, execution_identity, train_missing
from evaluator.device import Execution, resolve_device, resolve_execution
from evaluator.images.data import DataSummary, prepare
from evaluator.machine import this_machine
from evaluator.settings import training_identity
from evaluator.worker import TrainingEvaluator
from nas.budget import Budget
from nas.errors import OutputError
from nas.records import Evaluation, Task

SPLIT_SEED = 0
FREE = ("pairs", "control_pairs", "first_seed", "arms", "workers")
"""Settings of the ablation that may change between two commands on one folder."""
KEY = ("arm", "seed")
TABLES = ("table.md", "arms.csv", "claims.csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One finished training."""

    arm: str
    seed: int
    channels: tuple[int, ...]
    """Number of outputs of each stage."""
    macs: int
    params: int
    readings: Mapping[str, float]
    """Validation accuracy in percent by reading; a reading that cannot differ from hard is absent. `live` is the accuracy of
    the weights after the last step; all others are those of the averaged weights.
    """
    shuffles: Mapping[str, float]
    """Validity, coverage and disagreement at the end, averaged over the blocks; empty without learned shuffles."""
    curve: tuple[Mapping[str, float], ...]
    seconds: float
    date: str = ""
    """The date on which it ended."""
    machine: str = ""
    """The machine on which it was trained, in one line."""

    def accuracy(self, reading: str) -> float:
        """The accuracy in percent; that of hard matrices if the reading cannot differ from it."""
        return self.readings.get(reading, self.readings["hard"])

    @classmethod
    def from_record(cls, record: Record) -> Run:
        """The run that a line records.

        Raises:
            OutputError: A field is missing or unknown.
        """
        try:
            return cls(**{**record, "channels": tuple(record["channels"]), "curve": tuple(record["curve"])})
        except (TypeError, KeyError) as error:
            raise OutputError(f"a record of arm {record.get('arm')!r} cannot be read: {error}") from error


@dataclass(frozen=True, slots=True)
class Finished:
    """The results of an ablation so far."""

    runs: Mapping[tuple[str, int], Run]
    """The finished runs, by arm and seed."""
    failures: Mapping[tuple[str, int], str]
    """In words, why trainings gave no result."""

    @classmethod
    def of(cls, records: Mapping[Key, Record], plan: Iterable[tuple[str, int]]) -> Finished:
        """The results of those planned runs that are finished."""
        found = {(arm, seed): records[arm, seed] for arm, seed in plan if (arm, seed) in records}
        return cls(
            runs={key: Run.from_record(record) for key, record in found.items() if "failure" not in record},
            failures={key: record["failure"] for key, record in found.items() if "failure" in record},
        )


def identity_of(settings: Settings, summary: DataSummary) -> dict[str, Any]:
    """What makes a run comparable with others, as plain JSON."""
    ablation = {f"ablation.{key}": value for key, value in asdict(settings.ablation).items() if key not in FREE}
    train = {f"train.{key}": value for key, value in training_identity(settings.train).items()}
    data: dict[str, Any] = {"data.name": settings.data.name, "data.fingerprint": summary.fingerprint}
    data |= {"data.flip": summary.flip, "data.crop_padding": summary.crop_padding}
    execution = execution_identity(execution_of(settings))
    identity: dict[str, Any] = json.loads(json.dumps({**ablation, **data, **train, **execution}))
    return identity


def execution_of(settings: Settings) -> Execution:
    """The execution (device, precision and layout) of its arms."""
    return resolve_execution(settings.train, resolve_device(settings.device))


def planned(settings: AblationSettings) -> Iterator[tuple[str, int]]:
    """All runs, main arms first and seed by seed, so that the finished runs are always paired."""
    chosen = settings.arms or tuple(ARMS)
    for main, seeds in ((True, settings.pairs), (False, settings.control_pairs)):
        for seed in range(settings.first_seed, settings.first_seed + seeds):
            yield from ((arm, seed) for arm in dict.fromkeys(chosen) if ARMS[arm].main is main)


def train_all(settings: Settings, after: Callable[[Finished], object]) -> Finished:
    """Trains the missing runs, with a progress bar.

    If nothing is missing, the hardware on which the runs were trained does not matter.

    Args:
        settings: Everything an ablation depends on.
        after: Called with the results so far after each run.

    Raises:
        NasError: A setting, the images or the folder are unusable, or a worker was killed.
    """
    summary = prepare(settings.data, seed=SPLIT_SEED)
    images = Images(size=summary.image_size, channels=summary.channels, classes=summary.classes)
    keys = list(planned(settings.ablation))
    folder, identity = Path(settings.output), identity_of(settings, summary)
    if (there := complete(folder, identity, keys, KEY)) is not None:
        return Finished.of(there, keys)
    with Records(folder, identity, key=KEY, others=("checkpoints", *TABLES)) as records:
        arms: dict[str, tuple[int, ...]] = {}
        for arm in dict.fromkeys(arm for arm, seed in keys if (arm, seed) not in records.finished):
            arms[arm] = stage_channels(arm, settings.ablation, images)
            cost(arm, settings.ablation, images, arms[arm])  # an error here must not come after hours
        plan = Plan(
            arguments={(arm, seed): (arm, seed, arms.get(arm)) for arm, seed in keys},
            train=_train,
            begin=_begin,
            begin_arguments=(settings, images),
            title="ablation",
            machine=str(this_machine(settings.train.threads, execution_of(settings))),
        )
        train_missing(
            plan,
            records,
            workers=settings.ablation.workers,
            after=lambda _record: after(Finished.of(records.finished, keys)),
        )
        return Finished.of(records.finished, keys)


_worker: tuple[Settings, Images] | None = None


def _begin(settings: Settings, images: Images) -> None:
    global _worker
    _worker = (settings, images)


def _train(arm: str, seed: int, channels: tuple[int, ...]) -> Record:
    assert _worker is not None
    settings, images = _worker
    return train_one(arm, seed, channels, settings, images)


def evaluator_of(
    folder: str, arm: str, channels: tuple[int, ...], settings: Settings, images: Images
) -> TrainingEvaluator:
    """The evaluator that trains the arm's networks, with this folder for checkpoints."""
    return TrainingEvaluator(
        lambda _candidate: build(arm, settings.ablation, images, channels),
        settings.data,
        settings.train,
        device=settings.device,
        checkpoints=str(Path(settings.output) / "checkpoints" / folder),
        split_seed=SPLIT_SEED,
        measure_live=True,
    )


def trunk_of(settings: Settings, images: Images) -> Trunk:
    """The network with fixed shuffles, from which the arms of one width branch off."""
    ablation = settings.ablation
    assert ablation.branch_at is not None
    channels = usual_channels(ablation)
    fixed = candidate("fixed", ablation, channels)
    return Trunk(
        evaluator=evaluator_of("trunk", "fixed", channels, settings, images),
        candidate=replace(fixed, architecture={**fixed.architecture, "arm": "trunk"}),
        network=build("fixed", ablation, images, channels),
        epochs=round(ablation.branch_at * epochs_of(settings)),
        folder=Path(settings.output) / "checkpoints" / "trunk",
    )


def epochs_of(settings: Settings) -> int:
    """The number of epochs of all runs; the check of the settings refuses auto."""
    assert settings.train.epochs is not None
    return settings.train.epochs


def train_one(arm: str, seed: int, channels: tuple[int, ...], settings: Settings, images: Images) -> Record:
    """Trains one run, from its checkpoint if there is one, and returns its record, or that of its failure."""
    ablation = settings.ablation
    evaluator = evaluator_of(arm, arm, channels, settings, images)
    task = Task(
        trial=seed,
        candidate=candidate(arm, ablation, channels),
        budget=Budget(epochs=epochs_of(settings)),
        seed=seed,
    )
    if ablation.branch_at is not None and ARMS[arm].widen is None:
        begin_from_trunk(evaluator, task, build(arm, ablation, images, channels), trunk_of(settings, images))
    outcome = evaluator.evaluate(task, lambda _progress: None)
    if not isinstance(outcome, Evaluation):
        return {"arm": arm, "seed": seed, "failure": f"{outcome.kind}: {outcome.message}"}
    details = outcome.details
    spent = cost(arm, ablation, images, channels)
    last = details["curve"][-1]
    run = Run(
        arm=arm,
        seed=seed,
        channels=channels,
        macs=spent.macs,
        params=spent.params,
        readings={
            "hard": outcome.measurements["accuracy"].mean,
            **{key.removesuffix("_accuracy"): value for key, value in details.items() if key.endswith("_accuracy")},
        },
        shuffles={name: last[name] for name in ("valid", "coverage", "disagreement") if name in last},
        curve=tuple(details["curve"]),
        seconds=outcome.seconds,
    )
    return asdict(run)
