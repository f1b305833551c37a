from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from evaluator.images.decoding import Form, PixelFacts, choose_size, decode_image, survey
from evaluator.images.stratification import Rows
from evaluator.sources.raw_splits import Encoded


def pixels_of(file: bytes, form: Form) -> npt.NDArray[np.uint8]:
    decoded = decode_image(file, form)
    assert not decoded.fault
    return decoded.pixels


def encoded(image: Image.Image, kind: str = "png") -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def test_mean_and_deviation_come_from_the_histogram() -> None:
    images = np.random.default_rng(0).integers(0, 256, (1000, 2))
    histogram = np.stack([np.bincount(images[:, channel], minlength=256) for channel in range(2)])
    mean, std = PixelFacts(sha256="", histogram=histogram).mean_and_deviation()
    assert mean == pytest.approx(images.mean(axis=0) / 255)
    assert std == pytest.approx(images.std(axis=0) / 255)


def test_sixteen_bit_gray_is_scaled_and_not_clipped() -> None:
    image = Image.fromarray(np.array([[0, 257], [257 * 100, 65535]], dtype=np.uint16))
    decoded = pixels_of(encoded(image), Form(size=2, channels=1))
    assert decoded[..., 0].tolist() == [[0, 1], [100, 255]]


def test_a_pgm_file_of_sixteen_bits_is_scaled_too() -> None:
    file = b"P5 2 2 65535\n" + np.array([0, 257, 25700, 65535], dtype=">u2").tobytes()
    assert pixels_of(file, Form(size=2, channels=1))[..., 0].tolist() == [[0, 1], [100, 255]]


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_pixels_without_a_known_range_are_refused(kind: type) -> None:
    image = encoded(Image.fromarray(np.ones((2, 2), dtype=kind)), "tiff")
    assert "range is not known" in decode_image(image, Form(size=2, channels=1)).fault


@pytest.mark.parametrize("cut", [20, 30, 45, 60])
@pytest.mark.parametrize("kind", ["png", "gif", "tiff", "webp", "bmp", "jpeg"])
def test_a_damaged_file_of_any_kind_is_a_fault(kind: str, cut: int) -> None:
    whole = encoded(Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)), kind)
    assert decode_image(whole[:cut], Form(size=8, channels=3)).fault


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_are_white(mode: str) -> None:
    gray = np.array([[0, 0], [100, 0]], dtype=np.uint8)
    alpha = np.array([[255, 0], [255, 0]], dtype=np.uint8)
    image = Image.merge("LA", (Image.fromarray(gray), Image.fromarray(alpha))).convert("RGBA" if mode == "P" else mode)
    if mode == "P":
        image = Image.frombytes("P", (2, 2), bytes([0, 1, 2, 1]))
        image.putpalette([0, 0, 0, 9, 9, 9, 100, 100, 100])
        image.info["transparency"] = 1
    file = encoded(image)
    for channels in (1, 3):
        decoded = pixels_of(file, Form(size=2, channels=channels))
        assert all(decoded[..., channel].tolist() == [[0, 255], [100, 255]] for channel in range(channels))


def turned(orientation: int, exif: bytes | None = None) -> bytes:
    image = Image.fromarray(np.array([[1, 2, 3], [4, 5, 6]], dtype=np.uint8))
    tags = Image.Exif()
    tags[0x0112] = orientation
    file = io.BytesIO()
    image.save(file, "png", exif=exif if exif is not None else tags.tobytes())
    return file.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_turned_as_its_metadata_says(orientation: int) -> None:
    stored = np.array([[1, 2, 3], [4, 5, 6]])
    shown = {  # where row 0 and column 0 are seen, by the EXIF standard
        1: stored,  # top, left
        2: stored[:, ::-1],  # top, right
        3: stored[::-1, ::-1],  # bottom, right
        4: stored[::-1],  # bottom, left
        5: stored.T,  # left, top
        6: stored.T[:, ::-1],  # right, top
        7: stored.T[::-1, ::-1],  # right, bottom
        8: stored.T[::-1],  # left, bottom
    }[orientation]
    decoded = pixels_of(turned(orientation), Form(size=2, channels=1))
    assert decoded[..., 0].tolist() == shown[:2, :2].tolist()


def test_metadata_that_cannot_be_read_do_not_spoil_the_pixels() -> None:
    decoded = pixels_of(turned(1, exif=b"Exif\0\0no metadata"), Form(size=2, channels=1))
    assert decoded[..., 0].tolist() == [[1, 2], [4, 5]]


class Files:
    """A split of image files."""

    def __init__(self, files: list[bytes]) -> None:
        self.labels = np.zeros(len(files), dtype=np.int64)
        self._files = files

    def batches(self, size: int) -> Iterator[list[Encoded]]:
        yield list(self._files)

    def select(self, rows: Rows) -> Files:
        return Files([self._files[row] for row in rows])

    def describe(self, row: int) -> str:
        return str(row)


def test_an_image_and_the_same_one_turned_have_the_same_side() -> None:
    upright = encoded(Image.new("L", (2, 3)))
    assert survey(Files([upright, turned(6), turned(1)])).sides.tolist() == [2, 2, 2]


def test_the_median_side_is_chosen_within_limits() -> None:
    # Three of twenty-three differ, and do not count.
    assert choose_size(np.array([80] * 20 + [30, 40, 500])) == 80
    assert [choose_size(np.array([side] * 3)) for side in (1, 8, 100, 224, 3000)] == [8, 8, 100, 224, 224]


def test_a_header_without_an_image_is_a_fault_of_its_row() -> None:
    found = survey(Files([turned(1), b"no image", b""]))
    assert sorted(found.faults) == [1, 2]
    assert found.faults[2] == "it is empty"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_becomes_eight_bit_pixels(mode: str, channels: int) -> None:
    white = Image.new("L", (4, 4), 255)
    image = (
        Image.fromarray(np.full((4, 4), 65535, dtype=np.uint16))
        if mode == "I;16"
        else white.convert("RGB").convert(mode)
    )
    kind = "tiff" if mode in ("CMYK", "PA") else "png"
    decoded = pixels_of(encoded(image, kind), Form(size=4, channels=channels))
    assert decoded.shape == (4, 4, channels)
    assert (decoded >= 250).all()


def test_an_image_is_resized_by_its_shorter_side() -> None:
    # A linear ramp stays one: column j of 32 lies at column (j + 1/2) / 2 - 1/2 of 16, and the middle 8 columns are kept.
    image = Image.fromarray(np.repeat(np.arange(0, 160, 10, dtype=np.uint8)[None], 4, axis=0))
    decoded = pixels_of(encoded(image), Form(size=8, channels=1))
    expected = 10 * ((np.arange(12, 20) + 0.5) / 2 - 0.5)
    assert np.abs(decoded[0, :, 0] - expected).max() <= 0.5
