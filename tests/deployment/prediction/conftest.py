"""Two small searches, whose networks are asked about images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluator.settings import DataSettings
from image_search.settings import Settings
from run_search import search
from tests.image_search.test_run_search import small


def odd_picture(file: Path, level: int) -> None:
    """A noisy picture of odd size and kind: color, transparent, turned by its metadata, grey of 16 bits."""
    number = int(file.name)
    random = np.random.default_rng([level, number])
    size = (int(random.integers(9, 60)), int(random.integers(9, 60)))
    pixels = np.clip(random.normal(level, 60, (*size, 4)), 0, 255).astype(np.uint8)
    kind = number % 4
    if kind == 0:
        Image.fromarray(pixels[..., :3]).save(file.with_suffix(".png"))
    elif kind == 1:
        Image.fromarray(pixels, "RGBA").save(file.with_suffix(".PNG"), format="png")
    elif kind == 2:
        tags = Image.Exif()
        tags[0x0112] = 6
        Image.fromarray(pixels[..., :3]).save(file.with_suffix(".jpg"), exif=tags.tobytes())
    else:
        Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(file.with_suffix(".png"))


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("digits") / "run"
    settings = small(output, trials=2, epochs=4)
    search(replace(settings, train=replace(settings.train, batch_size=32)))  # else it answers the same to every image
    return output


@pytest.fixture(scope="session")
def photos_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of a finished search of a folder, whose output is in `output`."""
    home = tmp_path_factory.mktemp("photos")
    for name, level in (("dark", 70), ("light side", 180), ("middle", 125)):
        (home / "photos" / name).mkdir(parents=True)
        for number in range(60):
            odd_picture(home / "photos" / name / str(number), level)
    data = DataSettings(
        name=str(home / "photos"), image_size=16, validation_share=0.3, cache=str(home / "cache"), flip=False
    )
    plain = small(home / "run", trials=2, epochs=12)
    settings = replace(plain, data=data, train=replace(plain.train, batch_size=16))
    search(settings)
    return settings
