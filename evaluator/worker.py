"""The evaluator in a worker process: builds, trains and measures candidates, and turns errors into records."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from evaluator.costs import Network, always_counted
from evaluator.device import set_threads
from evaluator.images.data import TrainingImages
from evaluator.loaded import Loaded, load_all
from evaluator.measures import DEFAULT
from evaluator.measuring.device_lock import DeviceLock, SharedHold
from evaluator.measuring.exclusive import lock_of
from evaluator.measuring.metrics import other_modes
from evaluator.settings import DataSettings, TrainSettings, training_identity
from evaluator.training.checkpoint import LEAST_SECONDS, Checkpoints
from evaluator.training.disk_budget import DiskBudget
from evaluator.training.recipe import Recipe, make_recipe
from evaluator.training.rehearsal import Rehearsal, rehearse
from evaluator.training.step_memory import LEAST_IMAGES, capacity, need_of, of_training, peak_bytes
from evaluator.training.trainer import Training
from evaluator.what_went_wrong import what_went_wrong
from nas.candidate import Candidate
from nas.errors import DataError, OutputError, SettingsError
from nas.ports import Tell
from nas.records import Evaluation, Failure, FailureKind, Measurement, Outcome, Progress, Task

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Spent:
    """How far a task has come, for the record of a failure."""

    begin: float = field(default_factory=time.monotonic)
    earlier: float = 0.0
    """Seconds that other processes have spent on the task before."""
    epochs: int = 0
    parts: int = 1
    """Number of parts in which batches went through the network."""

    @property
    def seconds(self) -> float:
        """Seconds spent on the task so far, by all processes."""
        return self.earlier + time.monotonic() - self.begin


class TrainingEvaluator:
    """Trains each task's candidate and measures it on validation images (a `nas.ports.Evaluator`)."""

    def __init__(
        self,
        build: Callable[[Candidate], nn.Module],
        data: DataSettings,
        train: TrainSettings,
        *,
        device: str,
        checkpoints: str,
        split_seed: int,
        fingerprint: str | None = None,
        checkpoint_seconds: float = LEAST_SECONDS,
        checkpoint_bytes: int | None = None,
        images: TrainingImages | None = None,
        shares_device: bool = False,
        measure_live: bool = False,
        learned: str = DEFAULT,
    ) -> None:
        """Opens nothing yet, since the images are loaded with the first task.

        Args:
            build: Makes a candidate's untrained network with torch's current seed.
            data: Settings of the images.
            train: How each candidate is trained; the number of epochs is the task's.
            device: Name of the device: auto, cpu or cuda.
            checkpoints: Folder with one sub-folder per trial.
            split_seed: Seed of the division into training and validation images.
            fingerprint: `DataSummary.fingerprint` of the images that the search began with; other images are refused.
            checkpoint_bytes: Most bytes that all files of this folder may take. Default: no limit.
            images: Images that were decoded elsewhere and are shared. Default: those in the cache of this machine.
            shares_device: Whether others measure latencies on the device; trainings then give way to them between two steps.
            measure_live: Whether the weights of the last step are measured too, in addition to the averaged ones.
            learned: Name in `evaluator.measures.MEASURES` of the measure by which trainings are judged.
            checkpoint_seconds: Least time between two checkpoints of a training. With 0, one is written after each
                epoch, whatever it costs.
        """
        self._build = build
        self._settings = (data, train)
        self._device = device
        self._checkpoints = Path(checkpoints)
        self._split_seed = split_seed
        self._fingerprint = fingerprint
        self._checkpoint_seconds = checkpoint_seconds
        self._budget = None if checkpoint_bytes is None else DiskBudget(self._checkpoints, checkpoint_bytes)
        self._images = images
        self._shares_device = shares_device
        self._measure_live = measure_live
        self._learned = learned
        self._loaded: Loaded | None = None

    def evaluate(self, task: Task, progress: Tell) -> Outcome:
        """Trains the task's candidate, from its checkpoint if there is one; see `nas.ports.Evaluator`.

        It never raises because of the candidate, whose errors are returned as a Failure.

        Raises:
            SettingsError: A setting or the device is unusable, for every candidate.
            DataError: The images are missing, broken, or not those that the search began with.
            OutputError: A checkpoint or the cache cannot be written.
        """
        spent = Spent()
        outcome = self._attempt(task, progress, spent)
        if isinstance(outcome, Failure) and outcome.kind is FailureKind.OUT_OF_MEMORY and self._can_part(spent.parts):
            spent.parts *= 2
            log.warning("trial %d is tried again, its batches in %d parts", task.trial, spent.parts)
            outcome = self._attempt(task, progress, spent)
            if isinstance(outcome, Failure):
                outcome = replace(outcome, message=f"{outcome.message} (with batches in {spent.parts} parts too)")
        return outcome

    def _attempt(self, task: Task, progress: Tell, spent: Spent) -> Outcome:
        try:
            return self._evaluate(task, progress, spent)
        except (SettingsError, DataError, OutputError):
            raise  # no candidate is at fault, and the next one would fail in the same way
        except Exception as error:  # the border of the worker: whatever a candidate does is a recorded fact
            kind, message = what_went_wrong(error)
            log.warning("trial %d failed (%s): %s", task.trial, kind, message, exc_info=kind is FailureKind.CRASHED)
        # Outside the `except` block no traceback holds the failed network any more, so that its memory can be freed.
        gc.collect()
        if self._loaded is not None and self._loaded.execution.device.type == "cuda":
            torch.cuda.empty_cache()
        return Failure(kind=kind, message=message, seconds=spent.seconds, epochs=spent.epochs)

    def _can_part(self, parts: int) -> bool:
        """Whether a batch can be divided into twice as many parts."""
        if self._loaded is None:
            return False
        images = min(self._settings[1].batch_size, len(self._loaded.data.train))
        return images // (2 * parts) >= LEAST_IMAGES

    def _evaluate(self, task: Task, progress: Tell, spent: Spent) -> Evaluation:
        loaded = self._load()
        spent.begin = time.monotonic()  # decoding the images, if this was the first task, is not the candidate's time
        train = self._settings[1]
        checkpoints = self.checkpoints(task)
        finished = checkpoints.finished()
        if finished is not None:
            return finished
        recipe = make_recipe(task, train, self._learned)
        torch.manual_seed(task.seed)
        network = self._build(task.candidate)
        with self._in_hand(loaded.execution.device) as hold:

            def say(said: Progress) -> bool | None:
                # The driver may be about to measure. If this process held the device while it waits, both would wait for ever.
                with hold.apart():
                    return progress(said)

            estimated = self._wait_for_room(network, recipe, loaded, task, say, spent)
            training = Training(network, loaded.data, replace(recipe, parts=spent.parts), loaded.execution, loaded.loss)

            def tell(epochs: int, value: float | None) -> bool | None:
                if epochs == training.resumed_epochs:
                    spent.earlier = training.seconds
                spent.epochs = epochs
                return say(Progress(trial=task.trial, epochs=epochs, value=value))

            training.run(checkpoints, tell, hold.give_way)
            evaluation, answers = self._measure(training, loaded, spent)
        if estimated is not None or spent.parts > 1:
            memory = {
                "parts": spent.parts,
                "estimated_bytes": estimated,
                "peak_bytes": peak_bytes(loaded.execution.device),
            }
            evaluation = replace(evaluation, details={**evaluation.details, "memory": memory})
        if training.is_finished:
            checkpoints.finish(training.averaged.network.state_dict(), evaluation, answers)
        return evaluation

    def rehearse(self, task: Task) -> Rehearsal:
        """Times the parts of a task's training, of which it trains a few steps.

        Raises:
            NasError: A setting, the dataset or the device is unusable.
        """
        loaded = self._load()
        recipe = make_recipe(task, self._settings[1], self._learned)
        return rehearse(lambda: self._build(task.candidate), loaded.data, recipe, loaded.execution, loaded.loss)

    def checkpoints(self, task: Task) -> Checkpoints:
        """The folder in which this training is saved.

        Raises:
            NasError: A setting, the dataset or the device is unusable.
        """
        return Checkpoints(
            self._checkpoints / str(task.trial),
            self._identity(task, self._load()),
            least_seconds=self._checkpoint_seconds,
            budget=self._budget,
        )

    def _in_hand(self, device: torch.device) -> AbstractContextManager[SharedHold]:
        """A context in which this process has the right to train on the device."""
        return (lock_of(device) if self._shares_device else DeviceLock()).shared()

    def _wait_for_room(
        self, network: nn.Module, recipe: Recipe, loaded: Loaded, task: Task, progress: Tell, spent: Spent
    ) -> int | None:
        """Where memory is limited: measures a step, divides batches that do not fit at all, and waits until this training fits.

        Returns:
            The estimated number of bytes that a step holds.

        Raises:
            MemoryError: A step does not fit, however it is divided.
        """
        device, declared = loaded.execution.device, self._settings[1].memory_gb
        room = capacity(device, None if declared is None else int(declared * 1e9))
        if room is None:
            return None
        memory = of_training(network, loaded.data, recipe, loaded.execution, loaded.loss)
        images = recipe.images(len(loaded.data.train))
        spent.parts = max(spent.parts, memory.parts_to_fit(images, room))
        estimated = memory.of(-(-images // spent.parts))
        if device.type == "cuda":
            torch.cuda.empty_cache()
        progress(Progress(trial=task.trial, epochs=0, memory=need_of(device, estimated, room)))
        spent.begin = time.monotonic()  # waiting is not the candidate's time
        return estimated

    def _load(self) -> Loaded:
        """Loads the images and the device at the first task, and sets torch's threads at every task.

        Raises:
            NasError: A setting, the dataset or the device is unusable.
        """
        train = self._settings[1]
        if self._loaded is None:
            self._loaded = self._load_all()
        set_threads(train)
        return self._loaded

    def _load_all(self) -> Loaded:
        """Loads the images and the device; evaluators with other images or another loss override this."""
        return load_all(*self._settings, self._device, self._split_seed, self._fingerprint, self._images)

    def _identity(self, task: Task, loaded: Loaded) -> dict[str, Any]:
        """The facts that distinguish a training, as plain JSON."""
        train = training_identity(self._settings[1])
        del train["epochs"]  # the task says how many
        return {
            "digest": task.candidate.digest,
            "epochs": task.budget.epochs,
            "seed": task.seed,
            "data": dict(loaded.data_identity),
            "precision": loaded.execution.precision,
            "train": train,
            **({} if self._learned == DEFAULT else {"learned": self._learned}),
        }

    def _measure(self, training: Training, loaded: Loaded, spent: Spent) -> tuple[Evaluation, bytes | None]:
        """Measures the averaged network on the validation images, with further measurements for its learned shuffles.

        Returns:
            The measurements, and the answers that they were made from, as a file.
        """
        hard, name = training.measure(), self._learned
        training.curve[-1] |= {name: training.judge(hard), **hard.shuffle_means()}
        modes = {f"{mode}_{name}": training.measure(mode).value(name) for mode in other_modes(hard)}
        if self._measure_live:
            modes[f"live_{name}"] = training.measure_live().value(name)
        measurements = hard.measurements(name)
        if training.has_phases and training.is_finished:
            # The training has decided what such a network costs.
            counted = always_counted(Network(model=training.averaged.network, input_shape=loaded.input_shape))
            measurements |= {cost: Measurement(mean=value) for cost, value in counted.items()}
        evaluation = Evaluation(
            measurements=measurements,
            seconds=spent.seconds,
            epochs=training.epochs_done,
            details={
                "curve": training.curve,
                "mixers": {name: dict(statistics) for name, statistics in hard.mixers.items()},
                **modes,
                "precision": loaded.execution.precision,
                "channels_last": loaded.execution.channels_last,
                "device": loaded.execution.device.type,
                "threads": self._settings[1].threads,
            },
        )
        answers = None if hard.predictions is None else hard.predictions.to_bytes(loaded.data_identity["fingerprint"])
        return evaluation, answers
