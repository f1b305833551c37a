"""The losses that a training minimizes on a batch, apart from the penalties of a network's own parts."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Protocol

import torch.nn.functional as F
from torch import Tensor, nn

from evaluator.images.batches import BatchSource
from evaluator.settings import CROSS_ENTROPY, TrainSettings
from nas.errors import SettingsError
from nas.values.json_fields import shown


class BatchLoss(Protocol):
    """The loss of a batch, computed by any forwards it needs: also that of a teacher, or two of the network.

    On a GPU the steps of a training may be repeated as one CUDA graph, so the loss must not read a value on the host.
    """

    def __call__(self, network: nn.Module, pixels: Tensor, labels: Tensor) -> Tensor:
        """The mean loss over the images, a scalar with its gradient.

        Args:
            network: The network in training mode.
            pixels: `float[b c h w]`, normalized and augmented.
            labels: `int64[b]`.
        """
        ...


class CrossEntropy:
    """Cross-entropy of the logits with the labels.

    Args:
        label_smoothing: Share of a label that is spread evenly over all classes.
        class_weights: Weight of an image's loss by its class, `float[classes]` on the device; None if all images count alike.
    """

    def __init__(self, label_smoothing: float = 0.0, class_weights: Tensor | None = None) -> None:
        self._label_smoothing = label_smoothing
        self._class_weights = class_weights

    def __call__(self, network: nn.Module, pixels: Tensor, labels: Tensor) -> Tensor:
        """See `BatchLoss`."""
        return self.of(network(pixels).float(), labels)

    def of(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The mean loss of logits `float32[b classes]`, a scalar."""
        weights = self._class_weights
        if weights is None:
            return F.cross_entropy(logits, labels, label_smoothing=self._label_smoothing)
        # Weights are 1 on average over the training images, so the mean is over images: parts of a batch add up to it exactly.
        losses = F.cross_entropy(
            logits, labels, weight=weights, label_smoothing=self._label_smoothing, reduction="none"
        )
        return losses.mean()


MakeLoss = Callable[[TrainSettings, BatchSource, int], BatchLoss]
"""Makes the loss from the settings of trainings, their images, and the number of classes."""


def cross_entropy(settings: TrainSettings, images: BatchSource, classes: int) -> CrossEntropy:
    """The cross-entropy that the settings ask for; a `MakeLoss`."""
    balanced = settings.class_weights == "balanced"
    return CrossEntropy(settings.label_smoothing, images.class_weights(classes) if balanced else None)


def loss_factory(settings: TrainSettings) -> MakeLoss:
    """The loss factory that `--train.loss` names.

    Raises:
        SettingsError: The setting does not name a function that can be imported.
    """
    if settings.loss == CROSS_ENTROPY:
        return cross_entropy
    module, colon, name = settings.loss.partition(":")
    if not (colon and name.isidentifier() and all(part.isidentifier() for part in module.split("."))):
        raise SettingsError(
            f"--train.loss is {shown(settings.loss)}; allowed: {CROSS_ENTROPY}, or MODULE:FUNCTION of your own"
        )
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise SettingsError(
            f"--train.loss {shown(settings.loss)} cannot be imported ({error}); its folder must be on PYTHONPATH"
        ) from error
    if not callable(found):
        raise SettingsError(f"--train.loss {shown(settings.loss)} is no function")
    made: MakeLoss = found
    return made
