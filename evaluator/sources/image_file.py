"""Opens single images safely: only regular files and known formats, including JPEG files that end early.

Pillow raises and warns in many ways. The functions here pass its exceptions on, and `reason` states them in one line.
"""

from __future__ import annotations

import io
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from evaluator.sources.raw_splits import Encoded

FORMATS = ("PNG", "JPEG", "JPEG2000", "WEBP", "AVIF", "BMP", "DIB", "GIF", "TIFF", "PPM", "QOI")
"""Pillow formats that are read, whatever a file's name. Other formats run external programs, or are recognized only by the name."""
LARGEST_PIXELS = 100_000_000
"""Most pixels of an image, since a file of a few bytes may claim any size, and decoding takes about ten bytes per pixel."""
LARGEST_BYTES = 2**30
_FILTERS = Lock()
JPEG_END = b"\xff\xd9"
_ANYTHING = tuple(np.random.default_rng(seed).integers(0, 255, 4096, dtype=np.uint8).tobytes() for seed in (1, 2))
"""Bytes that contain no JPEG marker."""


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """A context that keeps Pillow's warnings about odd files from the console. Faults that matter are raised.

    Warning filters belong to the whole process, so only one such context, with the threads that it starts, is active at a time.
    """
    with _FILTERS, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\b")
        yield


@contextmanager
def opened(encoded: Encoded | Image.Image) -> Iterator[Image.Image]:
    """An image whose header has been read. One that Pillow has opened already is taken as it is, and stays open.

    Raises:
        ValueError: The file is empty, not regular, or too large.
        Exception: Any exception of Pillow, for a file that is not an image.
    """
    if isinstance(encoded, Image.Image):
        yield encoded
        return
    if isinstance(encoded, np.ndarray):
        yield Image.fromarray(encoded)
        return
    with _stream(encoded) as stream, Image.open(stream, formats=FORMATS) as image:
        if image.width * image.height > LARGEST_PIXELS:
            raise ValueError(
                f"it claims {image.width:,} x {image.height:,} pixels; allowed: {LARGEST_PIXELS:,} pixels in all"
            )
        yield image


def with_pixels(image: Image.Image, encoded: Encoded | Image.Image) -> tuple[Image.Image, bool]:
    """An opened image with its pixels, and whether it is a JPEG file that ended early and was repaired.

    Raises:
        ValueError: Less than half of the image's lines are there.
        Exception: Any exception of Pillow, for a file that cannot be decoded.
    """
    try:
        image.load()
    except OSError:
        if image.format not in ("JPEG", "MPO") or not isinstance(encoded, bytes | str):
            raise
        with _stream(encoded) as stream:
            return _repaired(stream.read()), True
    return image, False


def reason(error: BaseException) -> str:
    """Why an image cannot be used, in one line."""
    if isinstance(error, UnidentifiedImageError):
        return f"it is not an image of a format that is read ({', '.join(FORMATS)})"
    if isinstance(error, Image.DecompressionBombError):
        return f"it claims too many pixels; allowed: {LARGEST_PIXELS:,} in all"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:200] + " ..."


def _stream(encoded: bytes | str) -> BinaryIO:
    """The bytes of an image. A pipe or device that has replaced a file since it was found is not read."""
    if isinstance(encoded, bytes):
        if not encoded:
            raise ValueError("it is empty")
        return io.BytesIO(encoded)
    file = os.fdopen(os.open(encoded, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    facts = os.fstat(file.fileno())
    fault = (
        "it is no regular file" if not stat.S_ISREG(facts.st_mode)
        else "the file is empty" if facts.st_size == 0
        else f"the file is larger than {LARGEST_BYTES:,} bytes" if facts.st_size > LARGEST_BYTES
        else ""
    )  # fmt: skip
    if fault:
        file.close()
        raise ValueError(fault)
    return file


def _repaired(data: bytes) -> Image.Image:
    """Decodes a JPEG file without its end, as viewers do: after an end marker, libjpeg fills what is missing with grey.

    Pillow's own option for this affects the whole process. Lines that are really there do not depend on what follows the
    cut, so they are found by decoding again with other bytes appended.

    Raises:
        ValueError: Less than half of the lines are there.
        Exception: Any exception of Pillow, if the file cannot be decoded.
    """
    data = data.removesuffix(JPEG_END[:1])
    image = _jpeg(data + JPEG_END)
    pixels = np.asarray(image)
    depending = np.zeros(image.height, dtype=np.bool_)
    for follows in _ANYTHING:
        other: npt.NDArray[np.uint8] = np.asarray(_jpeg(data + follows + JPEG_END))
        depending |= (other != pixels).reshape(image.height, -1).any(axis=1)
    there = int(depending.argmax()) if depending.any() else image.height
    if 2 * there < image.height:
        raise ValueError(f"the file ends after {there} of {image.height} lines; half of them or more are needed")
    return image


def _jpeg(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=("JPEG",))
    image.load()
    return image
