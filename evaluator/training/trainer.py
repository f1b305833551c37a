"""Trains a network. The module can be read from top to bottom.

It uses SGD with Nesterov momentum, linear warm-up and cosine, label smoothing, averaged weights and mixed precision. Every
schedule is a function of the step and the steps of the full budget, and all randomness of an epoch comes from (seed,
epoch). So, on a CPU, a training that continues from a checkpoint ends bit for bit like one that was never interrupted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from evaluator.device import Execution
from evaluator.images.augmentation import Augmentation, Normalization
from evaluator.images.batches import BatchSource
from evaluator.measuring.metrics import Score, score
from evaluator.training.captured_step import CapturedSteps, Chosen
from evaluator.training.checkpoint import Checkpoints, Saved
from evaluator.training.losses import BatchLoss
from evaluator.training.recipe import Recipe
from evaluator.training.schedules import averaging_decay, learning_rate, ramp
from evaluator.training.training_step import StepNumbers, TrainingStep
from module_protocols import EvaluationMode, LearnedShuffle, PhasedTraining

REFERENCE_BATCH = 128
"""Batch size that a candidate's learning rate is meant for; the rate is scaled in proportion to the batch size."""
CHECK_EVERY = 64
"""Number of steps after which the losses are read; on a GPU, reading each loss would stall the queue."""
CURVE_SHARE = 0.3
"""Validation accuracy is measured after each epoch if there are at most this many validation images per training image. A
forward pass is about a third of a step, so the curve costs at most a tenth of the training.
"""


class DivergedError(Exception):
    """The loss or the weights became infinite or not a number; the message says when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """The data of a training, on its device."""

    train: BatchSource
    validation: BatchSource
    """Images that measure the network; without any, nothing is measured on the way."""
    augment: Augmentation
    normalize: Normalization


class Training:
    """The state of a training: everything that changes is here, and in a checkpoint."""

    def __init__(
        self, model: nn.Module, data: TrainingData, recipe: Recipe, execution: Execution, loss: BatchLoss
    ) -> None:
        self._update = TrainingStep(
            model,
            execution,
            loss,
            momentum=recipe.settings.momentum,
            weight_decay=recipe.weight_decay,
            parts=recipe.parts,
        )
        self.model, self.averaged = self._update.model, self._update.averaged
        self.epochs_done = 0
        self.resumed_epochs = 0
        self.seconds = 0.0
        self.curve: list[dict[str, float]] = []
        self._data = data
        self._recipe = recipe
        self._execution = execution
        self._shuffles: list[LearnedShuffle] = self._update.penalties.shuffles
        self._phased = [module for module in self.model.modules() if isinstance(module, PhasedTraining)]
        self._captured: CapturedSteps | None = None
        if self._is_capturable():
            self._captured = CapturedSteps(self._batch_step, execution.device)

    @property
    def has_phases(self) -> bool:
        """Whether a part of the network has phases of training."""
        return bool(self._phased)

    def run(
        self,
        checkpoints: Checkpoints,
        progress: Callable[[int, float | None], bool | None],
        give_way: Callable[[], object] = bool,
    ) -> None:
        """Trains to the end of the budget, or until it is paused, starting from the checkpoint if there is one.

        Args:
            checkpoints: The folder in which the training is saved.
            progress: Called with the number of epochs done, at the start and after each epoch, and at rungs with the
                measure by which the training is judged. If it returns False, the training is saved in a checkpoint, and
                this method returns.
            give_way: Called before each step, to let others use the device.

        Raises:
            DivergedError: The loss or, by the end, the averaged weights became infinite or not a number.
            OutputError: A checkpoint cannot be written.
        """
        saved = checkpoints.load(self._execution.device)
        if saved is not None and self._fits(saved):
            self._restore(saved)
        progress(self.epochs_done, None)
        begin = time.monotonic() - self.seconds
        while self.epochs_done < self._recipe.epochs:
            for part in self._phased:
                part.epoch_begins(self.epochs_done, self._recipe.epochs)
            self.curve.append(self._epoch(self.epochs_done, give_way))
            self.epochs_done += 1
            self.seconds = time.monotonic() - begin
            if self.epochs_done < self._recipe.epochs and checkpoints.due():
                checkpoints.save(self._snapshot())
            at_rung = self.epochs_done in self._recipe.rungs and not self.is_finished
            if (
                progress(self.epochs_done, self.curve[-1][self._recipe.learned] if at_rung else None) is False
                and at_rung
            ):
                checkpoints.save(self._snapshot())
                return
        # The last step may break the weights although its loss was finite; no later loss would show that.
        if not self.averaged.is_finite():
            raise DivergedError(f"the averaged weights are not all finite after epoch {self.epochs_done}")

    @property
    def is_finished(self) -> bool:
        """Whether the training has come to the end of its budget."""
        return self.epochs_done >= self._recipe.epochs

    def _epoch(self, epoch: int, give_way: Callable[[], object]) -> dict[str, float]:
        """Trains one epoch and reports it in the curve."""
        settings, data = self._recipe.settings, self._data
        steps = self._recipe.steps(len(data.train))
        seed = epoch_seed(self._recipe.seed, epoch)
        torch.manual_seed(seed)  # for networks that draw numbers of their own while they train
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(data.train), generator=generator)
        choices = data.augment.draw(len(order), generator).to(self._execution.device)
        if data.train.is_resident:
            order = order.to(self._execution.device)
        losses = torch.zeros(steps, device=self._execution.device)
        self.model.train()
        for step in range(steps):
            give_way()
            span = slice(step * settings.batch_size, (step + 1) * settings.batch_size)
            chosen = Chosen(positions=order[span], choices=choices[span])
            losses[step] = self._step(chosen, epoch * steps + step, self._recipe.epochs * steps)
            if (step + 1) % CHECK_EVERY == 0 or step + 1 == steps:
                _refuse_non_finite(losses[: step + 1], epoch)
        for part in self._phased:
            part.epoch_ends(epoch, self._recipe.epochs)
        entry = {
            "epoch": epoch + 1,
            "loss": losses.mean().item(),
            "lr": float(self._update.optimizer.param_groups[0]["lr"]),
        }
        if epoch + 1 < self._recipe.epochs:
            entry |= self._on_the_way(epoch + 1)
        return entry

    def _on_the_way(self, epochs: int) -> dict[str, float]:
        """What the curve records after so many epochs besides loss and rate; empty where measuring would cost too much."""
        if not len(self._data.validation):
            return {}
        at_rung = epochs in self._recipe.rungs
        if not at_rung and len(self._data.validation) > CURVE_SHARE * len(self._data.train):
            return {}
        measured = self.measure()
        name = self._recipe.learned
        entry = {name: self.judge(measured), **measured.shuffle_means()}
        if at_rung and entry.get("valid", 1.0) < 1:
            entry[f"projected_{name}"] = self.judge(self.measure(EvaluationMode.PROJECTED))
        return entry

    def judge(self, measured: Score) -> float:
        """The measure by which the network is judged.

        Raises:
            DivergedError: The measure is infinite or not a number.
        """
        value = measured.value(self._recipe.learned)
        if not math.isfinite(value):
            raise DivergedError(f"the {self._recipe.learned} is {value} after epoch {self.epochs_done}")
        return value

    def step(self, pixels: torch.Tensor, labels: torch.Tensor, step: int, total: int) -> torch.Tensor:
        """One step of the optimizer and of the average. Returns the loss, which is still on the device.

        Args:
            pixels: Normalized images `float[b c h w]`, on the device.
            labels: Their labels `int64[b]`, on the device.
            step: Number of the step, from 0.
            total: Number of steps of the full budget.
        """
        return self._update(pixels, labels, self._numbers(step, total))

    def _step(self, chosen: Chosen, step: int, total: int) -> torch.Tensor:
        numbers = self._numbers(step, total)
        if self._captured is None:
            return self._batch_step(chosen, numbers)
        phases = [shuffle.phase() for shuffle in self._shuffles]
        if None in phases:
            return self._batch_step(chosen, numbers)
        return self._captured(chosen, numbers, (numbers.penalty_weight > 0, *phases))

    def _is_capturable(self) -> bool:
        """Whether a step needs nothing from the host: no part of the network and no scaler decides anything there."""
        on_device = self._execution.device.type == "cuda" and self._data.train.is_resident
        return self._recipe.settings.graphs and on_device and not self._phased and not self._update.scaler.is_enabled()

    def _numbers(self, step: int, total: int) -> StepNumbers:
        """The numbers that a step's place in the training decides; also tells learned shuffles their progress."""
        recipe = self._recipe
        settings = recipe.settings
        for shuffle in self._shuffles:
            shuffle.set_progress(step / total)
        peak = recipe.lr * settings.batch_size / REFERENCE_BATCH
        return StepNumbers(
            rate=learning_rate(step, total, peak=peak, warmup=settings.warmup),
            penalty_weight=recipe.orth_weight * ramp(step, total, share=settings.penalty_ramp)
            if self._shuffles
            else 0.0,
            decay=averaging_decay(step, decay=settings.ema),
        )

    def _batch_step(self, chosen: Chosen, numbers: StepNumbers) -> torch.Tensor:
        """One step, from the choice of its images to the averaged weights."""
        images, labels = self._data.train.take(chosen.positions)
        pixels = self._data.normalize(self._data.augment.apply(images, chosen.choices))
        return self._update(pixels, labels, numbers)

    def lasting(self) -> list[torch.Tensor]:
        """The tensors that stay from step to step."""
        return self._update.lasting()

    def measure(self, mode: EvaluationMode = EvaluationMode.HARD) -> Score:
        """Measures the averaged network on the validation images."""
        return self._score(self.averaged.network, mode)

    def measure_live(self) -> Score:
        """Measures the network with its present weights on the validation images."""
        trains = self.model.training
        try:
            return self._score(self.model.eval(), EvaluationMode.HARD)
        finally:
            self.model.train(trains)

    def _score(self, network: nn.Module, mode: EvaluationMode) -> Score:
        return score(
            network,
            self._data.validation,
            self._data.normalize,
            self._execution,
            batch_size=self._recipe.settings.batch_size,
            mode=mode,
        )

    def _snapshot(self) -> Saved:
        states = {name: part.state_dict() for name, part in self._update.changing().items()}
        return Saved(epochs=self.epochs_done, seconds=self.seconds, curve=list(self.curve), states=states)

    def _fits(self, saved: Saved) -> bool:
        """Whether a checkpoint's tensors fit this network; a changed program may build another network for the same digest."""
        shapes = {name: tensor.shape for name, tensor in self.model.state_dict().items()}
        return shapes == {name: tensor.shape for name, tensor in saved.states["model"].items()}

    def _restore(self, saved: Saved) -> None:
        for name, part in self._update.changing().items():
            part.load_state_dict(saved.states[name])
        self.epochs_done = self.resumed_epochs = saved.epochs
        self.seconds, self.curve = saved.seconds, list(saved.curve)


def epoch_seed(seed: int, epoch: int) -> int:
    """Seed of the order, the augmentation and the network's own draws in one epoch."""
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0] >> 1)


def _refuse_non_finite(losses: torch.Tensor, epoch: int) -> None:
    """Checks the losses of an epoch so far.

    Raises:
        DivergedError: A loss is infinite or not a number; the message says which.
    """
    bad = (~torch.isfinite(losses)).nonzero()
    if len(bad):
        step = int(bad[0].item())
        raise DivergedError(f"the loss is {losses[step].item()} at step {step + 1} of epoch {epoch + 1}")
