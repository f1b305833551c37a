"""Decodes images into arrays of one size, `uint8[n h w c]`. The module `preparation` describes what is done to them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

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
"""File formats whose 32-bit images (mode I) hold grey levels from 0 to 65535; those of other formats have no known range."""
CHUNK = 256
"""Number of images that are decoded between two writes."""
SIZES = (8, 224)
"""Least and greatest side length in pixels that is chosen if none is asked for or known."""
LONGEST = 16
"""If an image is longer than this many times its shorter side, only its middle is resized, since a line of pixels would grow to
millions.
"""
ANIMATED = ("GIF", "PNG", "WEBP", "AVIF", "TIFF")
"""File formats whose pictures form an animation. Other formats may hold copies, as phones write them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The form that every image is brought to."""

    size: int
    """Side length in pixels."""
    channels: int
    """1 if every image has one channel, else 3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelFacts:
    """Facts about the pixels, gathered while a split was decoded."""

    sha256: str
    """Hash of the pixels and the labels."""
    histogram: npt.NDArray[np.int64]
    """How often each channel has each value, `int64[c 256]`."""
    faults: dict[int, str] = field(default_factory=dict)
    """For each row whose image cannot be used, the reason."""
    repaired: list[int] = field(default_factory=list)
    """Rows of JPEG files that ended early."""
    animated: list[int] = field(default_factory=list)
    """Rows of files with several pictures."""

    def mean_and_deviation(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation per channel, of pixels scaled to 0..1."""
        values = np.arange(256) / 255
        share = self.histogram / self.histogram.sum(axis=1, keepdims=True)
        mean = share @ values
        deviation = np.sqrt(np.maximum(share @ values**2 - mean**2, 0.0))
        return tuple(mean.tolist()), tuple(deviation.tolist())


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """The information in the headers of a split's images, by row."""

    sides: npt.NDArray[np.int64]
    """Shorter side in pixels, `int64[n]`."""
    gray: npt.NDArray[np.bool_]
    """Whether an image has one channel, `bool[n]`."""
    faults: dict[int, str]
    """For each row whose image cannot be used, the reason."""


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
    """The side length for images with these shorter sides: their median, within limits.

    Rotating an image does not change its shorter side, and a few odd images do not move the median.
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
        labels: Class of each image.
        form: Form that the images are brought to.
        images: Array `uint8[n h w c]` to fill, with zeros for images that cannot be used. None if only faults are to be found.
        advance: Called with the number of images done after each chunk.
    """
    digest = hashlib.sha256()
    histogram = np.zeros((form.channels, 256), dtype=np.int64)
    facts = PixelFacts(sha256="", histogram=histogram)
    start = 0
    for batch in split.batches(CHUNK):
        found = decode_images(batch, form)
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
class DecodedImage:
    """An image in its form, or the reason why it cannot be used."""

    pixels: npt.NDArray[np.uint8]
    """Pixels `uint8[h w c]`; zeros where the image cannot be used."""
    fault: str = ""
    """Why the image cannot be used, in one line; empty if it can."""
    repaired: bool = False
    """Whether it is a JPEG file that ended early."""
    animated: bool = False
    """Whether the file holds several pictures, of which this is the first."""


def decode_images(images: Sequence[Encoded | Image.Image], form: Form) -> list[DecodedImage]:
    """Brings some images to a form, on all cores: those of a data set, and those that a trained network is asked about.

    Args:
        images: Files, pixels, or images that Pillow has opened.
        form: Form that the images are brought to.
    """
    # Pillow decodes outside the interpreter lock.
    with quiet_pillow(), ThreadPoolExecutor(min(usable_cores(), max(len(images), 1))) as threads:
        return list(threads.map(partial(decode_image, form=form), images))


def decode_image(encoded: Encoded | Image.Image, form: Form) -> DecodedImage:
    """Brings one image to a form: resizes its shorter side to the form's size if they differ, and keeps the centre."""
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
        return DecodedImage(pixels=pixels, repaired=repaired, animated=animated)
    except Exception as error:  # Pillow's readers raise errors of many unrelated classes
        empty = np.zeros((form.size, form.size, form.channels), dtype=np.uint8)
        return DecodedImage(pixels=empty, fault=reason(error))


def _centre(image: Image.Image, longest: int) -> Image.Image:
    """The middle of an image that is longer than so many pixels, or the image itself."""
    width, height = (min(side, longest) for side in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation. If the metadata cannot be read, it is 1, as stored, since the pixels are not at fault."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # anything may be wrong in metadata, and every kind of fault has an error of its own
        return 1


def _upright(pixels: Image.Image, image: Image.Image) -> Image.Image:
    """The pixels of an image, turned upright according to its orientation."""
    orientation = _orientation(image)
    if orientation == 1:
        return pixels
    # The rest of the metadata is left out, since it may be broken and would be written anew.
    bare = Image.fromarray(np.asarray(pixels))
    bare.getexif()[ExifTags.Base.Orientation] = orientation
    return ImageOps.exif_transpose(bare)


def _eight_bit(image: Image.Image, channels: int) -> Image.Image:
    """The image with 8 bits per channel, on white where it is transparent.

    16-bit grey is scaled, where Pillow's own conversion would clip it to white.

    Raises:
        ValueError: The range of the pixels is unknown.
    """
    if image.mode in SIXTEEN_BIT_MODES or (image.mode == "I" and image.format in SIXTEEN_BIT_FORMATS):
        levels = np.asarray(image).clip(0, 65535).astype(np.uint32)
        image = Image.fromarray(((levels + 128) // 257).astype(np.uint8))
    elif image.mode in ("I", "F"):
        kind = "whole numbers of 32 bits" if image.mode == "I" else "floating-point numbers"
        raise ValueError(f"its pixels are {kind}, whose range is not known; allowed: 8 or 16 bits per channel")
    elif image.has_transparency_data:
        seen = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)
    return image.convert("L" if channels == 1 else "RGB")
