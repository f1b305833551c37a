"""Turns encoded images into arrays of one size: `uint8[n h w c]`."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps

from evaluator.cores import usable_cores
from evaluator.reading import Encoded, RawSplit
from nas.errors import DataError

ONE_CHANNEL_MODES = ("1", "L", "I", "F", "I;16", "I;16B", "I;16L", "I;16N")
"""Pillow modes of grayscale images."""
SIXTEEN_BIT_MODES = ("I;16", "I;16B", "I;16L", "I;16N")
"""Pillow modes of grey levels from 0 to 65535."""
SIXTEEN_BIT_FORMATS = ("PNG", "PPM")
"""File formats whose images of mode I, 32 bits wide, hold grey levels from 0 to 65535; those of others have no known range."""
TURNED = (5, 6, 7, 8)
"""EXIF orientations that exchange width and height."""
CHUNK = 256
"""Images decoded between two writes."""
DEFAULT_SIZE = 32
"""Side length in pixels for sets whose images differ in size."""
LARGEST_DEFAULT_SIZE = 224
"""Greatest side length in pixels that is chosen for sets whose images are of one size."""


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
        size: Side length that was asked for. None: their own shorter side, at most 224 pixels, if all
            images are of one size as they are shown, else 32 pixels.

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
    own = min(*next(iter(sizes)), LARGEST_DEFAULT_SIZE) if len(sizes) == 1 else DEFAULT_SIZE
    return Form(size=size if size is not None else own, channels=1 if gray else 3)


def decode(split: RawSplit, form: Form, images: npt.NDArray[np.uint8], advance: Callable[[int], object]) -> PixelFacts:
    """Decodes a split into an array.

    Args:
        split: Encoded images and their labels.
        form: What the images are brought to.
        images: `uint8[n h w c]`, filled.
        advance: Told the number of images done after each chunk.

    Raises:
        DataError: An image does not decode, or its pixels have no known range; names it.
    """
    digest = hashlib.sha256()
    histogram = np.zeros((form.channels, 256), dtype=np.int64)
    start = 0
    with ThreadPoolExecutor(usable_cores()) as threads:  # Pillow decodes outside the interpreter lock
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


def _decode_row(split: RawSplit, form: Form, row: int, encoded: Encoded) -> npt.NDArray[np.uint8]:
    return _pixels(encoded, form, partial(split.describe, row))


def _open(encoded: Encoded) -> Image.Image:
    if isinstance(encoded, np.ndarray):
        return Image.fromarray(encoded)
    return Image.open(io.BytesIO(encoded) if isinstance(encoded, bytes) else Path(encoded))


def _header(encoded: Encoded, describe: Callable[[], str]) -> tuple[tuple[int, int], str]:
    """Width and height as the image is shown, and Pillow mode."""
    try:
        with _open(encoded) as image:
            width, height = image.size
            turned = width != height and _orientation(image) in TURNED
            return (height, width) if turned else (width, height), image.mode
    except Exception as error:  # Pillow's readers raise errors of many unrelated classes
        raise _undecodable(describe(), error) from error


def _pixels(encoded: Encoded, form: Form, describe: Callable[[], str]) -> npt.NDArray[np.uint8]:
    """`uint8[h w c]` of one image: shorter side resized to the form's size if it differs, the centre kept."""
    try:
        with _open(encoded) as image:
            shown = _upright(_eight_bit(image, form.channels), image)
        size = form.size
        if shown.size != (size, size):
            scale = size / min(shown.size)
            width, height = (max(round(side * scale), size) for side in shown.size)
            left, top = (width - size) // 2, (height - size) // 2
            shown = shown.resize((width, height), Image.Resampling.BILINEAR).crop((left, top, left + size, top + size))
        return np.asarray(shown, dtype=np.uint8).reshape(size, size, form.channels)
    except Exception as error:  # Pillow's readers raise errors of many unrelated classes
        raise _undecodable(describe(), error) from error


def _orientation(image: Image.Image) -> int:
    """EXIF orientation; 1, as stored, where the metadata cannot be read, which is no fault of the pixels."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # anything may be wrong in metadata, and every kind of fault has an error of its own
        return 1


def _upright(pixels: Image.Image, image: Image.Image) -> Image.Image:
    """The pixels of an image turned as its orientation says."""
    orientation = _orientation(image)
    if orientation == 1:
        return pixels
    # Without the rest of the metadata, which may be broken and would be written anew.
    bare = Image.fromarray(np.asarray(pixels))
    bare.getexif()[ExifTags.Base.Orientation] = orientation
    return ImageOps.exif_transpose(bare)


def _eight_bit(image: Image.Image, channels: int) -> Image.Image:
    """The image with 8 bits a channel, on white where it is transparent.

    16-bit grey is scaled, where Pillow's own conversion would clip it to white.

    Raises:
        ValueError: The pixels have no known range.
    """
    image.load()
    if image.mode in SIXTEEN_BIT_MODES or (image.mode == "I" and image.format in SIXTEEN_BIT_FORMATS):
        levels = np.asarray(image, dtype=np.float64) / 257
        image = Image.fromarray(levels.clip(0, 255).round().astype(np.uint8))
    elif image.mode in ("I", "F"):
        kind = "whole numbers of 32 bits" if image.mode == "I" else "floating-point numbers"
        raise ValueError(f"its pixels are {kind}, whose range is not known; allowed: 8 or 16 bits a channel")
    elif image.has_transparency_data:
        seen = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)
    return image.convert("L" if channels == 1 else "RGB")


def _undecodable(which: str, error: BaseException) -> DataError:
    return DataError(f"image does not decode: {which}: {error}")
