from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from evaluator.decoding import Form, PixelFacts, _pixels


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
    decoded = _pixels(encoded(image), Form(size=2, channels=1), str)
    assert decoded[..., 0].tolist() == [[0, 1], [100, 255]]


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
    decoded = _pixels(encoded(image, kind), Form(size=4, channels=channels), str)
    assert decoded.shape == (4, 4, channels)
    assert (decoded >= 250).all()


def test_an_image_is_resized_by_its_shorter_side() -> None:
    # A linear ramp stays one: column j of 32 lies at column (j + 1/2) / 2 - 1/2 of 16, and the middle 8 columns are kept.
    image = Image.fromarray(np.repeat(np.arange(0, 160, 10, dtype=np.uint8)[None], 4, axis=0))
    decoded = _pixels(encoded(image), Form(size=8, channels=1), str)
    expected = 10 * ((np.arange(12, 20) + 0.5) / 2 - 0.5)
    assert np.abs(decoded[0, :, 0] - expected).max() <= 0.5
