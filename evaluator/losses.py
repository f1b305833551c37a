"""What a training minimizes on a batch, beside the penalties of a network's own parts."""

from __future__ import annotations

from typing import Protocol

import torch.nn.functional as F
from torch import Tensor, nn

from evaluator.settings import TrainSettings


class BatchLoss(Protocol):
    """The loss of a batch, by whatever forwards it takes: a teacher's too, or two of the network.

    On a GPU the steps of a training may be repeated as one CUDA graph, so it must not look at a value on the host.
    """

    def __call__(self, network: nn.Module, pixels: Tensor, labels: Tensor) -> Tensor:
        """A scalar, the mean over the images, with its gradient.

        Args:
            network: In training mode.
            pixels: `float[b c h w]`, normalized and augmented.
            labels: `int64[b]`.
        """
        ...


class CrossEntropy:
    """Cross-entropy of the logits with the labels.

    Args:
        label_smoothing: Share of a label that is spread evenly over all classes.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self._label_smoothing = label_smoothing

    def __call__(self, network: nn.Module, pixels: Tensor, labels: Tensor) -> Tensor:
        """See `BatchLoss`."""
        return F.cross_entropy(network(pixels).float(), labels, label_smoothing=self._label_smoothing)


def cross_entropy(settings: TrainSettings) -> CrossEntropy:
    """The one that settings ask for."""
    return CrossEntropy(settings.label_smoothing)
