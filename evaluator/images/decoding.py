"""Turns encoded images into arrays of one size: `uint8[n h w c]`. What is done to them is told by `preparation`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps

from evaluator.cores import usable_cores
from evaluator.images.stratification import Labels, Rows
from evaluator.sources.image_file import opened, quiet_pillow, reason, with_pixels
from evaluator.sources.raw_splits import Encoded, RawSplit

ONE_CHANNEL_MODES = ("1", "L", "I", "F", "I;16", "I;16B", "I;16L", "I;16N")
"""Pillow modes of grayscale images."""
SIXTEEN_BIT_MODES = ("I;16", "I;16B", "I;16L", "I;16N")
"""Pillow modes of grey levels from 0 to 65535."""
SIXTEEN_BIT_FORMATS = ("PNG", "PPM")
"""File formats whose images of mode I, 32 bits wide, hold grey levels from 0 to 65535; those of others have no known range."""
CHUNK = 256
"""Images decoded between two writes."""
SIZES = (8, 224)
"""Least and greatest side length in pixels that is chosen where none is asked for or known."""
LONGEST = 16
"""Times the shorter side: of a longer image only the middle is resized, as a line of pixels would grow to millions."""
ANIMATED = ("GIF", "PNG", "WEBP", "AVIF", "TIFF")
"""File formats with several pictures of which one was meant to be seen after the other; phones put copies into others."""


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
    faults: dict[int, str] = field(default_factory=dict)
    """Why images cannot be used, by row."""
    repaired: list[int] = field(default_factory=list)
    """Rows of JPEGs that ended early."""
    animated: list[int] = field(default_factory=list)
    """Rows of files with several pictures."""

    def mean_and_deviation(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation a channel, of pixels scaled to 0..1."""
        values = np.arange(256) / 255
        share = self.histogram / self.histogram.sum(axis=1, keepdims=True)
        mean = share @ values
        deviation = np.sqrt(np.maximum(share @ values**2 - mean**2, 0.0))
        return tuple(mean.tolist()), tuple(deviation.tolist())


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """What the headers of a split's images say, a row each."""

    sides: npt.NDArray[np.int64]
    """`int64[n]`: shorter side in pixels."""
    gray: npt.NDArray[np.bool_]
    """`bool[n]`: whether an image has one channel."""
    faults: dict[int, str]
    """Why images cannot be used, by row."""


def survey(split: RawSplit) -> Headers:
    """Reads the headers of all images."""
    sides = np.zeros(len(split.labels), dtype=np.int64)
    gray = np.zeros(len(split.labels), dtype=np.bool_)
    faults = {}
    row = 0
    with quiet_pillow():
        for batch in split.batches(CHUNK):
            for encoded in batch:
                try:
                    with opened(encoded) as image:
                        sides[row], gray[row] = min(image.size), image.mode in ONE_CHANNEL_MODES
                except Exception as error:  # Pillow's readers raise errors of many unrelated classes
                    faults[row] = reason(error)
                row += 1
    return Headers(sides=sides, gray=gray, faults=faults)


def choose_size(sides: Rows) -> int:
    """Side length for images of these shorter sides: their median, within limits.

    The shorter side is the same for an image and the same one turned, and a few odd ones do not move the median.
    """
    return min(max(int(np.median(sides)), SIZES[0]), SIZES[1])


def decode(
    split: RawSplit,
    labels: Labels,
    form: Form,
    images: npt.NDArray[np.uint8] | None,
    advance: Callable[[int], object],
) -> PixelFacts:
    """Decodes a split into an array.

    Args:
        split: Encoded images.
        labels: Class of each.
        form: What the images are brought to.
        images: `uint8[n h w c]`, filled, with zeros where an image cannot be used. None: what is wrong is found out, no more.
        advance: Told the number of images done after each chunk.
    """
    digest = hashlib.sha256()
    histogram = np.zeros((form.channels, 256), dtype=np.int64)
    facts = PixelFacts(sha256="", histogram=histogram)
    start = 0

    def one(encoded: Encoded) -> _Decoded:
        return _decoded(encoded, form)

    with quiet_pillow(), ThreadPoolExecutor(usable_cores()) as threads:  # Pillow decodes outside the interpreter lock
        for batch in split.batches(CHUNK):
            found = list(threads.map(one, batch))
            for row, each in enumerate(found, start):
                if each.fault:
                    facts.faults[row] = each.fault
                if each.repaired:
                    facts.repaired.append(row)
                if each.animated:
                    facts.animated.append(row)
            if images is not None:
                chunk = np.stack([each.pixels for each in found])
                images[start : start + len(batch)] = chunk
                digest.update(chunk.tobytes())
                for channel in range(form.channels):
                    histogram[channel] += np.bincount(chunk[..., channel].ravel(), minlength=256)
            start += len(batch)
            advance(len(batch))
    digest.update(labels.tobytes())
    return replace(facts, sha256=digest.hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decoded:
    pixels: npt.NDArray[np.uint8]
    """`uint8[h w c]`"""
    fault: str = ""
    repaired: bool = False
    animated: bool = False


def _decoded(encoded: Encoded, form: Form) -> _Decoded:
    """One image: shorter side resized to the form's size if it differs, the centre kept."""
    try:
        with opened(encoded) as file:
            animated = file.format in ANIMATED and bool(getattr(file, "is_animated", False))
            image, repaired = with_pixels(file, encoded)
            shown = _upright(_eight_bit(image, form.channels), image)
        if shown.size != (form.size, form.size):
            shown = _centre(shown, LONGEST * min(shown.size))
            scale = form.size / min(shown.size)
            width, height = (max(round(side * scale), form.size) for side in shown.size)
            shown = _centre(shown.resize((width, height), Image.Resampling.BILINEAR), form.size)
        pixels = np.asarray(shown, dtype=np.uint8).reshape(form.size, form.size, form.channels)
        return _Decoded(pixels=pixels, repaired=repaired, animated=animated)
    except Exception as error:  # Pillow's readers raise errors of many unrelated classes
        empty = np.zeros((form.size, form.size, form.channels), dtype=np.uint8)
        return _Decoded(pixels=empty, fault=reason(error))


def _centre(image: Image.Image, longest: int) -> Image.Image:
    """The middle of an image where a side is longer than that."""
    width, height = (min(side, longest) for side in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


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
    if image.mode in SIXTEEN_BIT_MODES or (image.mode == "I" and image.format in SIXTEEN_BIT_FORMATS):
        levels = np.asarray(image).clip(0, 65535).astype(np.uint32)
        image = Image.fromarray(((levels + 128) // 257).astype(np.uint8))
    elif image.mode in ("I", "F"):
        kind = "whole numbers of 32 bits" if image.mode == "I" else "floating-point numbers"
        raise ValueError(f"its pixels are {kind}, whose range is not known; allowed: 8 or 16 bits a channel")
    elif image.has_transparency_data:
        seen = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)
    return image.convert("L" if channels == 1 else "RGB")
