"""What is measured on validation images: accuracy with hard and with soft shuffles, and what each learned shuffle does."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import nn

from evaluator.augmentation import Normalization
from evaluator.batches import BatchSource
from evaluator.device import Execution
from module_protocols import EvaluationMode, LearnedShuffle
from nas.records import Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How a network does on a set of images."""

    correct: int
    images: int
    mixers: Mapping[str, Mapping[str, float]]
    """For each learned shuffle, by its name in the network, its statistics averaged over the images."""

    def accuracy(self) -> Measurement:
        """Percent of the images that are right.

        The deviation is that of one image, right or wrong, at the Laplace estimate `(correct + 1) / (images + 2)` of the share:
        at the share itself it would be 0 if all images are right, or all wrong, as if finitely many could make that certain.
        """
        likely = (self.correct + 1) / (self.images + 2)
        return Measurement(
            mean=100 * self.correct / self.images, std=100 * math.sqrt(likely * (1 - likely)), n=self.images
        )

    def shuffle_means(self) -> dict[str, float]:
        """Each statistic averaged over the learned shuffles; empty if there are none."""
        names = next(iter(self.mixers.values()), {})
        return {name: fmean(statistics[name] for statistics in self.mixers.values()) for name in names}


def learned_shuffles(model: nn.Module) -> dict[str, LearnedShuffle]:
    """The learned shuffles of a network by name."""
    return {name: module for name, module in model.named_modules() if isinstance(module, LearnedShuffle)}


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
        network: In evaluation mode.
        images: What to classify.
        normalize: As in training.
        execution: As in training.
        batch_size: Images at a time; the result does not depend on it but for rounding and for statistics between images.
        mode: What learned shuffles do; statistics are left out where they are soft.
    """
    shuffles = learned_shuffles(network)
    sums: dict[str, dict[str, float]] = {name: {} for name in shuffles}
    correct = torch.zeros((), dtype=torch.int64, device=images.device)
    for shuffle in shuffles.values():
        shuffle.set_evaluation_mode(mode)
    try:
        for pixels, labels in images.in_order(batch_size):
            with execution.autocast():
                logits = network(normalize(pixels))
            correct += (logits.argmax(dim=1) == labels).sum()
            if mode is not EvaluationMode.SOFT:
                for name, shuffle in shuffles.items():
                    for key, value in shuffle.statistics().items():
                        sums[name][key] = sums[name].get(key, 0.0) + value * len(labels)
    finally:
        for shuffle in shuffles.values():
            shuffle.set_evaluation_mode(EvaluationMode.HARD)
    mixers = {name: {key: total / len(images) for key, total in each.items()} for name, each in sums.items()}
    return Score(correct=int(correct.item()), images=len(images), mixers={} if mode is EvaluationMode.SOFT else mixers)
