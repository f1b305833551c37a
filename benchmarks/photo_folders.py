"""Makes folders as people have them: pictures of mixed sizes and shapes, as JPEG and PNG files, in one sub-folder per class.

    python -m benchmarks.photo_folders --root DATA --output photos

The pictures are those of CIFAR-10 and of Tiny-ImageNet, cut to another shape and resized to another size. `FOLDERS` says how
many there are and how large; the same command makes the same files. docs/results.md has what `--config photos` made of them.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
from PIL import Image

from benchmarks.command import command
from nas.errors import DataError, OutputError

ASPECT = 4 / 3
"""Greatest width over height, and height over width."""
SPREAD = 2.0
"""The shorter sides are spread evenly, on a logarithmic scale, from the median over this factor to the median times it."""
JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFolder:
    """What one folder holds."""

    source: str
    """Folder of the Parquet files below the root."""
    classes: int
    images: int
    """Number of images of all classes together."""
    side: int
    """Median of the shorter sides in pixels."""


FOLDERS = {
    "photos_500": PhotoFolder(source="tiny-imagenet-20", classes=5, images=500, side=48),
    "photos_3000": PhotoFolder(source="cifar10", classes=10, images=3_000, side=32),
    "photos_10000": PhotoFolder(source="tiny-imagenet-20", classes=20, images=10_000, side=32),
}


def make_folder(root: Path, made: PhotoFolder, folder: Path, seed: int = 0) -> None:
    """Writes the pictures of one folder, the same ones for the same seed.

    Args:
        root: Folder of the sources.
        made: What the folder shall hold.
        folder: Where it is made; it must not exist.
        seed: Seed of the choice of pictures, their sizes and shapes.

    Raises:
        DataError: The source is missing.
        OutputError: The folder exists.
    """
    if folder.exists():
        raise OutputError(f"{folder} exists; choose another --output")
    files = sorted((root / made.source).glob("train-*.parquet"))
    if not files:
        raise DataError(f"--root {root}: there is no {made.source}/train-*.parquet")
    table = parquet.read_table(files[0])
    image_column = next(name for name in ("img", "image") if name in table.column_names)
    labels = np.asarray(table["label"])
    rng = np.random.default_rng(seed)
    for label in np.unique(labels)[: made.classes]:
        rows = rng.permutation(np.flatnonzero(labels == label))[: made.images // made.classes]
        place = folder / f"class_{label}"
        place.mkdir(parents=True)
        for number, row in enumerate(rows):
            encoded = table[image_column][int(row)]["bytes"].as_py()
            picture = reshaped(Image.open(io.BytesIO(encoded)), made.side, rng)
            if number % 2:
                picture.save(place / f"{number:04}.png")
            else:
                picture.convert("RGB").save(place / f"{number:04}.jpg", quality=JPEG_QUALITY)


def reshaped(image: Image.Image, side: int, rng: np.random.Generator) -> Image.Image:
    """A picture of another size and shape: the middle of the image, its shorter side near `side`."""
    aspect = ASPECT ** rng.uniform(-1, 1)
    shorter = side * SPREAD ** rng.uniform(-1, 1)
    width = round(shorter * max(aspect, 1))
    height = round(shorter * max(1 / aspect, 1))
    scale = min(image.width / width, image.height / height)
    left, top = (image.width - width * scale) / 2, (image.height - height * scale) / 2
    box = (left, top, left + width * scale, top + height * scale)
    return image.resize((width, height), Image.Resampling.BICUBIC, box=box)


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Makes all folders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="Folder that holds cifar10/ and tiny-imagenet-20/.")
    parser.add_argument("--output", type=Path, required=True, help="Folder in which the folders are made.")
    options = parser.parse_args(argv)
    for name, made in FOLDERS.items():
        make_folder(options.root, made, options.output / name)
        print(f"{options.output / name}: {made.images:,} images of {made.classes} classes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
