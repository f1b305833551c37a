"""Turns encoded images into arrays of one size: `uint8[n h w c]`."""

from __future__ import annotations

import hashlib
import io
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from evaluator.reading import Encoded, RawSplit
from nas.errors import DataError

ONE_CHANNEL_MODES = ("1", "L", "I", "F", "I;16", "I;16B", "I;16L", "I;16N")
"""Pillow modes of grayscale images."""
SIXTEEN_BIT_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")
CHUNK = 256
"""Images decoded between two writes."""
DEFAULT_SIZE = 32
"""Side length in pixels for sets whose images differ in size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What every image is brought to."""

    size: int
    """Side length in pixels."""
    channels: int
    """1 if every image has one channel, else 3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelFacts:
    """What was seen while a split was decoded."""

    sha256: str
    """Of the pixels and the labels."""
    histogram: npt.NDArray[np.int64]
    """`int64[c 256]`: how often each channel has each value."""

    def mean_and_deviation(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation a channel, of pixels scaled to 0..1."""
        values = np.arange(256) / 255
        share = self.histogram / self.histogram.sum(axis=1, keepdims=True)
        mean = share @ values
        deviation = np.sqrt(np.maximum(share @ values**2 - mean**2, 0.0))
        return tuple(mean.tolist()), tuple(deviation.tolist())


def survey(splits: list[RawSplit], size: int | None) -> Form:
    """Reads the headers of all images to find out size and channels.

    Args:
        splits: All splits of a dataset.
        size: Side length that was asked for. None: their own shorter side if all images are equal, else 32 pixels.

    Raises:
        DataError: A header does not decode; names the image.
    """
    sizes: set[tuple[int, int]] = set()
    gray = True
    for split in splits:
        row = 0
        for batch in split.batches(CHUNK):
            for encoded in batch:
                shape, mode = _header(encoded, partial(split.describe, row))
                sizes.add(shape)
                gray = gray and mode in ONE_CHANNEL_MODES
                row += 1
    own = min(next(iter(sizes))) if len(sizes) == 1 else DEFAULT_SIZE
    return Form(size=size if size is not None else own, channels=1 if gray else 3)


def decode(split: RawSplit, form: Form, images: npt.NDArray[np.uint8], advance: Callable[[int], object]) -> PixelFacts:
    """Decodes a split into an array.

    Args:
        split: Encoded images and their labels.
        form: What the images are brought to.
        images: `uint8[n h w c]`, filled.
        advance: Told the number of images done after each chunk.

    Raises:
        DataError: An image does not decode; names it.
    """
    digest = hashlib.sha256()
    histogram = np.zeros((form.channels, 256), dtype=np.int64)
    start = 0
    with ThreadPoolExecutor(_cores()) as threads:  # Pillow decodes outside the interpreter lock
        for batch in split.batches(CHUNK):
            rows = range(start, start + len(batch))
            chunk = np.stack(list(threads.map(partial(_decode_row, split, form), rows, batch)))
            images[start : start + len(batch)] = chunk
            digest.update(chunk.tobytes())
            for channel in range(form.channels):
                histogram[channel] += np.bincount(chunk[..., channel].ravel(), minlength=256)
            start += len(batch)
            advance(len(batch))
    digest.update(split.labels.tobytes())
    return PixelFacts(sha256=digest.hexdigest(), histogram=histogram)


def _cores() -> int:
    """CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _decode_row(split: RawSplit, form: Form, row: int, encoded: Encoded) -> npt.NDArray[np.uint8]:
    return _pixels(encoded, form, partial(split.describe, row))


def _open(encoded: Encoded) -> Image.Image:
    if isinstance(encoded, np.ndarray):
        return Image.fromarray(encoded)
    return Image.open(io.BytesIO(encoded) if isinstance(encoded, bytes) else Path(encoded))


def _header(encoded: Encoded, describe: Callable[[], str]) -> tuple[tuple[int, int], str]:
    """Width and height, and Pillow mode."""
    try:
        with _open(encoded) as image:
            return image.size, image.mode
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _undecodable(describe(), error) from error


def _pixels(encoded: Encoded, form: Form, describe: Callable[[], str]) -> npt.NDArray[np.uint8]:
    """`uint8[h w c]` of one image: shorter side resized to the form's size if it differs, the centre kept."""
    try:
        with _open(encoded) as image:
            shown = _eight_bit(image, form.channels)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _undecodable(describe(), error) from error
    size = form.size
    if shown.size != (size, size):
        scale = size / min(shown.size)
        width, height = (max(round(side * scale), size) for side in shown.size)
        left, top = (width - size) // 2, (height - size) // 2
        shown = shown.resize((width, height), Image.Resampling.BILINEAR).crop((left, top, left + size, top + size))
    return np.asarray(shown, dtype=np.uint8).reshape(size, size, form.channels)


def _eight_bit(image: Image.Image, channels: int) -> Image.Image:
    """The image with 8 bits a channel; 16-bit grey is scaled, where Pillow's own conversion would clip it to white."""
    if image.mode in SIXTEEN_BIT_MODES:
        image = Image.fromarray((np.asarray(image, dtype=np.float64) / 257).clip(0, 255).round().astype(np.uint8))
    elif image.mode in ("P", "LA", "PA"):
        image = image.convert("RGBA")  # keeps Pillow from warning about transparency given as bytes
    return image.convert("L" if channels == 1 else "RGB")


def _undecodable(which: str, error: BaseException) -> DataError:
    return DataError(f"image does not decode: {which}: {error}")
