"""Trains arms and keeps what came out, a line of JSON a finished run; what is there already is not trained again."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.ablation.arms import ARMS, Images, build, candidate, cost, stage_channels
from benchmarks.ablation.settings import AblationSettings, Settings
from evaluator.data import DataSummary, prepare
from evaluator.worker import TrainingEvaluator
from nas.budget import Budget
from nas.errors import OutputError, SettingsError
from nas.records import Evaluation, Task

SPLIT_SEED = 0
FREE = ("pairs", "control_pairs", "arms", "workers")
"""Settings of the ablation that may change between two commands on one folder."""
FREE_TRAIN = ("threads",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One finished training."""

    arm: str
    seed: int
    channels: tuple[int, ...]
    """Outputs of each stage."""
    macs: int
    params: int
    readings: Mapping[str, float]
    """Validation accuracy in percent by reading; one that cannot differ from hard is absent."""
    shuffles: Mapping[str, float]
    """Validity, coverage and disagreement at the end, averaged over the blocks; empty without learned shuffles."""
    curve: tuple[Mapping[str, float], ...]
    seconds: float

    def accuracy(self, reading: str) -> float:
        """In percent; the hard one where the reading cannot differ from it."""
        return self.readings.get(reading, self.readings["hard"])


class Runs:
    """The finished runs of a folder.

    Raises:
        OutputError: The folder cannot be written, or holds something else.
        SettingsError: It holds an ablation with other settings.
    """

    def __init__(self, settings: Settings, summary: DataSummary) -> None:
        self._path = Path(settings.output) / "runs.jsonl"
        identity = identity_of(settings, summary)
        self.finished: dict[tuple[str, int], Run] = {}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            text = self._path.read_text(encoding="utf-8") if self._path.exists() else ""
            whole = text[: text.rfind("\n") + 1]
            if whole != text:  # a kill cut the last line short
                self._path.write_text(whole, encoding="utf-8")
            lines = whole.splitlines()
            if not lines:
                self._path.write_text(json.dumps(identity) + "\n", encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise OutputError(f"{self._path} cannot be read and written: {error}") from error
        if lines:
            self._read(lines, identity)

    def _read(self, lines: list[str], identity: Mapping[str, Any]) -> None:
        try:
            found, *records = (json.loads(line) for line in lines)
        except ValueError as error:
            raise OutputError(f"{self._path} is not a record of an ablation: {error}") from error
        changed = sorted(key for key in {*identity, *found} if identity.get(key) != found.get(key))
        if changed:
            raise SettingsError(
                f"--output {self._path.parent} holds an ablation with another "
                + ", ".join(f"{key} ({found.get(key)!r}, now {identity.get(key)!r})" for key in changed)
                + "; give another --output, or the settings it began with"
            )
        for record in records:
            run = Run(**{**record, "channels": tuple(record["channels"]), "curve": tuple(record["curve"])})
            self.finished[run.arm, run.seed] = run

    def add(self, run: Run) -> None:
        """Keeps a run, on disk at once."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(run)) + "\n")
        self.finished[run.arm, run.seed] = run


def identity_of(settings: Settings, summary: DataSummary) -> dict[str, Any]:
    """What makes a run comparable with another one; plain JSON."""
    ablation = {f"ablation.{key}": value for key, value in asdict(settings.ablation).items() if key not in FREE}
    train = {f"train.{key}": value for key, value in asdict(settings.train).items() if key not in FREE_TRAIN}
    data: dict[str, Any] = {"data.name": settings.data.name, "data.fingerprint": summary.fingerprint}
    data |= {"data.flip": summary.flip, "data.crop_padding": summary.crop_padding}
    identity: dict[str, Any] = json.loads(json.dumps({**ablation, **data, **train}))
    return identity


def planned(settings: AblationSettings) -> Iterator[tuple[str, int]]:
    """Every run, main arms first and seed by seed, so that what is there at any time is paired."""
    chosen = settings.arms or tuple(ARMS)
    for main, seeds in ((True, settings.pairs), (False, settings.control_pairs)):
        for seed in range(seeds):
            yield from ((arm, seed) for arm in dict.fromkeys(chosen) if ARMS[arm].main is main)


def train_all(settings: Settings) -> dict[tuple[str, int], Run]:
    """Trains what is not there yet, with a progress bar.

    Raises:
        NasError: A setting, the images or the folder do not do.
    """
    summary = prepare(settings.data, seed=SPLIT_SEED)
    runs = Runs(settings, summary)
    plan = list(planned(settings.ablation))
    missing = [run for run in plan if run not in runs.finished]
    if missing:
        images = Images(size=summary.image_size, channels=summary.channels, classes=summary.classes)
        arms = {arm: stage_channels(arm, settings.ablation, images) for arm in dict.fromkeys(arm for arm, _ in missing)}
        for arm, channels in arms.items():  # what cannot be counted or built shall not be found out after hours
            cost(arm, settings.ablation, images, channels)
        context = multiprocessing.get_context("spawn")
        workers = min(settings.ablation.workers, len(missing))
        with (
            tqdm(total=len(plan), initial=len(plan) - len(missing), unit="run", desc="ablation") as bar,
            ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(settings, images)) as pool,
        ):
            futures = [pool.submit(_train, arm, seed, arms[arm]) for arm, seed in missing]
            try:
                for future in as_completed(futures):
                    run = future.result()
                    runs.add(run)
                    bar.update()
                    bar.set_postfix_str(f"{run.arm} {run.readings['hard']:.2f} %")
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for process in multiprocessing.active_children():
                    process.terminate()
                raise
    return {key: runs.finished[key] for key in plan}


_worker: tuple[Settings, Images] | None = None


def _begin(settings: Settings, images: Images) -> None:
    global _worker
    _worker = (settings, images)


def _train(arm: str, seed: int, channels: tuple[int, ...]) -> Run:
    assert _worker is not None
    settings, images = _worker
    return train_one(arm, seed, channels, settings, images)


def train_one(arm: str, seed: int, channels: tuple[int, ...], settings: Settings, images: Images) -> Run:
    """One training, going on from its checkpoint if there is one.

    Raises:
        OutputError: It gave no result; says why.
    """
    ablation = settings.ablation
    evaluator = TrainingEvaluator(
        lambda _candidate: build(arm, ablation, images, channels),
        settings.data,
        settings.train,
        device=settings.device,
        checkpoints=str(Path(settings.output) / "checkpoints" / arm),
        split_seed=SPLIT_SEED,
    )
    task = Task(
        trial=seed,
        candidate=candidate(arm, ablation, channels),
        budget=Budget(epochs=settings.train.epochs),
        seed=seed,
    )
    outcome = evaluator.evaluate(task, lambda _progress: None)
    if not isinstance(outcome, Evaluation):
        raise OutputError(f"arm {arm}, seed {seed}: {outcome.kind}: {outcome.message}")
    details = outcome.details
    spent = cost(arm, ablation, images, channels)
    last = details["curve"][-1]
    return Run(
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
