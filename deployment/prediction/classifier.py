"""A trained network that takes images as a person has them.

Axes: n images, h height, w width, c channels, k classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from evaluator.images.decoding import Form, decode_images
from evaluator.sources.findings import shown
from evaluator.sources.raw_splits import Encoded
from nas.errors import DataError
from nas.values.local_path import local_path

BATCH = 64
"""Images that are decoded and answered at a time."""
MOST_NAMED = 5
"""Most images that a message names."""

Picture = str | Path | Image.Image | npt.NDArray[np.uint8]
"""An image: a file's path, an image that Pillow has opened, or pixels `uint8[h w c]` of 1, 3 or 4 channels (4: transparent)."""
Answer = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
"""Logits `float32[n k]` of images `uint8[n h w c]`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a network answers on one image."""

    class_name: str
    """The most probable class."""
    probability: float
    """Its probability, from 0 to 1."""
    probabilities: Mapping[str, float]
    """The probabilities of all classes by name, the most probable first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """An image that cannot be used."""

    why: str
    """The reason in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Classifier:
    """A network with everything that is done to an image before it, and the names of its classes.

    Call it with some images, `classifier(["cat.png", "dog.jpg"])`; it returns a `Prediction` for each.
    """

    class_names: tuple[str, ...]
    form: Form
    """The form that every image is brought to, as the images of the training were."""
    device: str
    """Where it is computed."""
    answer: Answer
    """The network with its normalization."""

    def __call__(self, images: Iterable[Picture]) -> list[Prediction]:
        """The predictions for some images, in their order.

        Raises:
            DataError: Images cannot be used; the message names the first of them.
        """
        given = _several(images)
        found = list(self.each(given))
        faults = [
            f"{_name(given[place], place)}: {each.why}"
            for place, each in enumerate(found)
            if isinstance(each, Unusable)
        ]
        if faults:
            more = f"; and {len(faults) - MOST_NAMED:,} more" if len(faults) > MOST_NAMED else ""
            raise DataError(
                f"{len(faults):,} of {len(found):,} images cannot be used: {'; '.join(faults[:MOST_NAMED])}{more}"
            )
        return [each for each in found if isinstance(each, Prediction)]

    def each(self, images: Iterable[Picture]) -> Iterator[Prediction | Unusable]:
        """The prediction for each image, or why there is none, in order; images are opened some at a time."""
        waiting = iter(images)
        while batch := list(islice(waiting, BATCH)):
            decoded = decode_images([_encoded(each) for each in batch], self.form)
            good = [each.pixels for each in decoded if not each.fault]
            logits = iter(self.answer(np.stack(good)) if good else ())
            for each in decoded:
                yield Unusable(why=each.fault) if each.fault else self._prediction(next(logits))

    def _prediction(self, logits: npt.NDArray[np.float32]) -> Prediction:
        powers = np.exp(logits.astype(np.float64) - float(logits.max()))
        shares = powers / powers.sum()
        # By logits, as accuracies are counted: probabilities may be equal where logits are not.
        order = np.argsort(-logits, kind="stable")
        probabilities = {self.class_names[place]: float(shares[place]) for place in order}
        name = self.class_names[order[0]]
        return Prediction(class_name=name, probability=probabilities[name], probabilities=probabilities)


def _several(images: Iterable[Picture]) -> list[Picture]:
    """The images as a list; refuses a single one, whose letters or lines would be taken for images."""
    if isinstance(images, str | Path | Image.Image) or (isinstance(images, np.ndarray) and images.ndim != 4):
        raise DataError(
            "a single image was given; allowed: a list of images, such as [image], or an array uint8[n h w c]"
        )
    return list(images)


def _encoded(image: Picture) -> Encoded | Image.Image:
    """The image as the decoder of data sets takes it."""
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3, 4) or not image.size:
            raise DataError(
                f"an image is {image.dtype}{list(image.shape)}; allowed: uint8[h w c] of 1, 3 or 4 channels"
            )
        return image[:, :, 0] if image.shape[2] == 1 else image
    return image if isinstance(image, Image.Image) else str(local_path(image))


def _name(image: Picture, place: int) -> str:
    return shown(str(image)) if isinstance(image, str | Path) else f"image {place}"
