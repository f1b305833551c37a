"""Metrics of a network on validation images, in one pass: its answers with hard or soft shuffles, and shuffle statistics.

Axis: c classes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

import torch
import torch.nn.functional as F
from torch import nn

from evaluator.device import Execution
from evaluator.images.augmentation import Normalization
from evaluator.images.batches import BatchSource
from evaluator.measures import MEASURES
from evaluator.measures.answers import Answers
from evaluator.measuring.predictions import Predictions
from module_protocols import EvaluationMode, LearnedShuffle
from nas.records import Measurement
from nas.values.plausible import usable


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The metrics of a network on a set of images."""

    answers: Answers
    mixers: Mapping[str, Mapping[str, float]]
    """For each learned shuffle, by its name in the network, its statistics averaged over the images."""
    predictions: Predictions | None = None
    """The answer to each image, from the same pass."""

    def value(self, name: str) -> float:
        """The value of one of `evaluator.measures.MEASURES`, without its uncertainty."""
        return MEASURES[name].value(self.answers)

    def measurements(self, learned: str) -> dict[str, Measurement]:
        """All measures by name, without those that are not finite.

        Args:
            learned: Name of the measure that must be finite.

        Raises:
            RefusedNumberError: That measure is not a finite number.
        """
        return {
            name: measure.measurement(self.answers)
            for name, measure in MEASURES.items()
            if name == learned or math.isfinite(usable(measure.value(self.answers)))
        }

    def shuffle_means(self) -> dict[str, float]:
        """Each statistic averaged over the learned shuffles; empty if there are none."""
        names = next(iter(self.mixers.values()), {})
        return {name: fmean(statistics[name] for statistics in self.mixers.values()) for name in names}


def learned_shuffles(model: nn.Module) -> dict[str, LearnedShuffle]:
    """The learned shuffles of a network by name."""
    return {name: module for name, module in model.named_modules() if isinstance(module, LearnedShuffle)}


class _Tally:
    """Collects answers on the device, and reads them from it once, at the end."""

    def __init__(self) -> None:
        self._classes = 0
        self._cells: list[torch.Tensor] = []
        self._losses: list[torch.Tensor] = []
        self._confidences: list[torch.Tensor] = []

    def add(self, logits: torch.Tensor, labels: torch.Tensor) -> None:
        """Adds a batch of logits and labels, `float[b c], int64[b]`."""
        self._classes = logits.shape[1]
        self._cells.append(labels * self._classes + logits.argmax(dim=1))
        self._losses.append(F.cross_entropy(logits.float(), labels, reduction="none"))
        self._confidences.append(logits.float().softmax(dim=1).amax(dim=1))

    def answers(self) -> Answers:
        """The counts of all answers that were added."""
        counts = torch.bincount(torch.cat(self._cells), minlength=self._classes**2)
        losses = torch.cat(self._losses).double()
        return Answers(
            confusion=counts.reshape(self._classes, self._classes).cpu().numpy(),
            loss=float(losses.sum().item()),
            squared_loss=float(losses.square().sum().item()),
        )

    def predictions(self) -> Predictions:
        """The answer to each image that was added. A confidence that is not a number, as of a diverged network, is 0."""
        confidences = torch.cat(self._confidences).nan_to_num(nan=0.0).clamp(0, 1)
        return Predictions(
            predicted=tuple((torch.cat(self._cells) % self._classes).tolist()), confidence=tuple(confidences.tolist())
        )


@torch.no_grad()
def score(
    network: nn.Module,
    images: BatchSource,
    normalize: Normalization,
    execution: Execution,
    *,
    batch_size: int,
    mode: EvaluationMode = EvaluationMode.HARD,
) -> Score:
    """Measures a network in evaluation mode.

    Args:
        network: A network in evaluation mode.
        images: The images to classify.
        normalize: Normalization of the training.
        execution: Device, precision and layout of the training.
        batch_size: Images at a time. Apart from rounding, only statistics between images depend on it.
        mode: What learned shuffles do; statistics are left out in the soft mode.
    """
    shuffles = learned_shuffles(network)
    sums: dict[str, dict[str, float]] = {name: {} for name in shuffles}
    tally = _Tally()
    for shuffle in shuffles.values():
        shuffle.set_evaluation_mode(mode)
    try:
        for pixels, labels in images.in_order(batch_size):
            with execution.autocast():
                logits = network(normalize(pixels))
            tally.add(logits, labels)
            if mode is not EvaluationMode.SOFT:
                for name, shuffle in shuffles.items():
                    for key, value in shuffle.statistics().items():
                        sums[name][key] = sums[name].get(key, 0.0) + value * len(labels)
    finally:
        for shuffle in shuffles.values():
            shuffle.set_evaluation_mode(EvaluationMode.HARD)
    mixers = {name: {key: total / len(images) for key, total in each.items()} for name, each in sums.items()}
    return Score(
        answers=tally.answers(),
        mixers={} if mode is EvaluationMode.SOFT else mixers,
        predictions=tally.predictions(),
    )


def other_modes(hard: Score) -> list[EvaluationMode]:
    """The modes that can differ from the hard one, for networks with learned shuffles.

    Swapping matters only if images have permutations of their own, and projecting only if some maps are not permutations.
    """
    statistics = hard.mixers.values()
    modes = [EvaluationMode.SOFT] if statistics else []
    if any(each["disagreement"] > 0 for each in statistics):
        modes.append(EvaluationMode.SWAPPED)
    if any(each["valid"] < 1 for each in statistics):
        modes.append(EvaluationMode.PROJECTED)
    return modes
