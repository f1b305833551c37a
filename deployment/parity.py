"""Compares what an exported file answers with what the trained network answers.

Axes: n images, h w positions, c channels, k classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from deployment.formats import Runner
from deployment.run_images import ComparedImages, Pixels
from deployment.trained_model import TrainedModel
from evaluator.images.augmentation import Normalization
from evaluator.measures.accuracy import MEASURE
from evaluator.measures.answers import Answers
from evaluator.measuring.deployed_forms import MOST_DIFFERING, TOLERANCE
from nas.errors import DeploymentError
from nas.records import Measurement

BATCH = 64
"""Images at a time; the last batch may be smaller, so that both sizes are tried."""
MOST_NAMED = 5
"""Most images that are named because their class differs."""

Logits = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """An image that the file classifies differently."""

    image: int
    """Position among the compared images."""
    trained: int
    """Class by the trained network."""
    exported: int
    """Class by the file."""
    margin: float
    """By how much the trained network's logit of its class exceeds that of the file's class; near 0 is a tie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """How well a file agrees with the trained network."""

    images: int
    what: str
    """The images in words."""
    largest_difference: float
    """Largest difference of two logits."""
    largest_logit: float
    """Largest absolute logit of the trained network."""
    equal_classes: float
    """Share of the images with equal classes, 0 to 1."""
    beyond_rounding: float
    """Share of the images with logits that differ by more than rounding does."""
    differing: tuple[Differing, ...]
    """The first images whose classes differ."""

    @property
    def lines(self) -> list[str]:
        """Sentences on the agreement."""
        told = (
            f"compared with the trained network on {self.images:,} {self.what}: logits differ by up to "
            f"{self.largest_difference:.2g} (the largest is {self.largest_logit:.3g}), "
            f"{100 * self.equal_classes:.4g} % of the classes are equal"
        )
        ties = [
            f"  image {each.image}: class {each.trained} by the trained network, {each.exported} by the file; "
            f"the trained network's logits of the two differ by {each.margin:.2g}"
            for each in self.differing
        ]
        return [told, *ties]

    def require_close(self) -> None:
        """Refuses a file whose answers are others than the network's.

        Single images may differ: if two logits of a generated permutation are equal up to rounding, the permutation changes.

        Raises:
            DeploymentError: More than a quarter of the images differ.
        """
        if self.beyond_rounding > MOST_DIFFERING:
            raise DeploymentError(
                f"the exported graph does not compute what the network does: {100 * self.beyond_rounding:.0f} % of "
                f"{self.images:,} {self.what} differ, by up to {self.largest_difference:.2g}; nothing was written"
            )


def compare(trained: Logits, exported: Logits, what: str) -> Parity:
    """Compares logits of the same images, `float32[n k]` each."""
    if trained.shape != exported.shape:
        raise DeploymentError(f"the exported graph gives logits of shape {exported.shape}, the network {trained.shape}")
    difference = np.abs(exported - trained).max(1)
    allowed = TOLERANCE["fp32"] * max(float(np.abs(trained).max()), 1e-12)
    before, after = trained.argmax(1), exported.argmax(1)
    others = np.flatnonzero(before != after)
    return Parity(
        images=len(trained),
        what=what,
        largest_difference=float(difference.max()),
        largest_logit=float(np.abs(trained).max()),
        equal_classes=float(np.mean(before == after)),
        beyond_rounding=float(np.mean(~(difference <= allowed))),  # NaN counts
        differing=tuple(
            Differing(
                image=int(image),
                trained=int(before[image]),
                exported=int(after[image]),
                margin=float(trained[image, before[image]] - trained[image, after[image]]),
            )
            for image in others[:MOST_NAMED]
        ),
    )


@torch.inference_mode()
def trained_logits(model: TrainedModel, images: ComparedImages) -> Logits:
    """The logits of the network as it was trained, with the evaluator's own normalization."""
    normalize = Normalization(model, torch.device("cpu"), torch.contiguous_format)
    return _in_batches(model.network, normalize, images.pixels)


def _in_batches(network: nn.Module, normalize: Normalization, pixels: Pixels) -> Logits:
    return np.concatenate([network(normalize(torch.from_numpy(batch))).numpy() for batch in batches(pixels)])


def file_logits(run: Runner, pixels: Pixels, layout: str) -> Logits:
    """The logits of a file for images `uint8[n h w c]`, which are brought into its layout."""
    return np.concatenate([run(in_layout(batch, layout)) for batch in batches(pixels)])


def batches(pixels: Pixels) -> Iterator[Pixels]:
    """The images, some at a time."""
    for start in range(0, len(pixels), BATCH):
        yield pixels[start : start + BATCH]


def in_layout(pixels: Pixels, layout: str) -> Pixels:
    """Images `uint8[n h w c]` in a layout."""
    return np.ascontiguousarray(pixels if layout == "nhwc" else pixels.transpose(0, 3, 1, 2))


def accuracy(logits: Logits, labels: npt.NDArray[np.int64]) -> Measurement:
    """The share of correctly classified images in percent, with its standard error as in a search."""
    classes = logits.shape[1]
    confusion = np.bincount(labels * classes + logits.argmax(1), minlength=classes**2).reshape(classes, classes)
    return MEASURE.measurement(Answers(confusion=confusion, loss=0.0, squared_loss=0.0))


def measured(measurement: Measurement | None) -> Any:
    """A measurement as plain JSON."""
    if measurement is None:
        return None
    return {"mean": measurement.mean, "standard_error": measurement.standard_error, "images": measurement.n}
