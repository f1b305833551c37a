"""The images of a search, found again by the settings in its output folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import numpy.typing as npt

from deployment.trained_model import TrainedModel
from evaluator.images.data import ImageSet, load
from evaluator.settings import DataSettings
from nas.errors import DataError
from nas.seeds import derive_seed
from nas.values.typed_value import typed
from nas.values.yaml_text import YamlError, read_yaml

MOST_BYTES = 1_000_000
"""Most bytes of a file of settings."""
MOST_COMPARED = 5_000
"""Most validation images on which networks are compared."""
CALIBRATION = 512
"""Number of training images by which the ranges of activations are found."""
RANDOM = 256
"""Number of random images, where there are no others."""

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedImages:
    """The images on which networks are compared, and those for calibration."""

    pixels: Pixels
    """`uint8[n h w c]`."""
    labels: npt.NDArray[np.int64] | None
    """Classes, `int64[n]`; None for random images."""
    calibration: Pixels | None
    """Training images, `uint8[m h w c]`; None for random images."""
    what: str
    """The images in words."""


def images_of_run(run: Path, model: TrainedModel) -> ComparedImages:
    """The validation images of a search, and some of its training images.

    Raises:
        DataError: The settings cannot be read, or the images are not there or not the same as in the search.
    """
    settings = _read_settings(run / "config.yaml")
    data, seed = _data(settings), _seed(settings)
    splits = load(data, derive_seed(seed, "split"))
    if splits.summary.fingerprint != model.fingerprint:
        raise DataError(f"the images that {run / 'config.yaml'} names are no longer those of the search")
    validation, train = splits.validation, splits.train
    rows = validation.rows[_spread(len(validation), MOST_COMPARED)]
    drawn = np.random.default_rng(0).permutation(len(train))[:CALIBRATION]
    return ComparedImages(
        pixels=np.asarray(validation.images[rows]),
        labels=np.asarray(validation.labels[rows]),
        calibration=_taken(train, np.sort(drawn)),
        what="validation images",
    )


def random_images(model: TrainedModel) -> ComparedImages:
    """Images of random pixels in the shape that a network takes."""
    shape = (RANDOM, model.image_size, model.image_size, model.channels)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return ComparedImages(pixels=pixels, labels=None, calibration=None, what="random images")


def _taken(part: ImageSet, positions: npt.NDArray[np.int64]) -> Pixels:
    return np.asarray(part.images[part.rows[positions]])


def _spread(count: int, most: int) -> npt.NDArray[np.int64]:
    """At most so many positions, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def _read_settings(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            found = read_yaml(file.read(MOST_BYTES).decode("utf-8"))
    except (OSError, UnicodeDecodeError, YamlError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DataError(f"{path} cannot be read: {reason}") from error
    if not isinstance(found, dict) or not isinstance(found.get("data"), dict):
        raise DataError(f"{path} does not say which images the search used")
    return found


def _data(settings: Mapping[str, Any]) -> DataSettings:
    kinds = get_type_hints(DataSettings)
    known = {each.name for each in fields(DataSettings)}
    try:
        return DataSettings(
            **{name: typed(value, kinds[name]) for name, value in settings["data"].items() if name in known}
        )
    except ValueError as error:
        raise DataError(f"the settings of the images of the search cannot be read: {error}") from error


def _seed(settings: Mapping[str, Any]) -> int:
    search = settings.get("search")
    seed = search.get("seed", 0) if isinstance(search, dict) else 0
    if not isinstance(seed, int):
        raise DataError("the seed of the search cannot be read")
    return seed
