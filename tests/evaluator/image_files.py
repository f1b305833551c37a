"""Writes small datasets as a person would have them: Parquet files and folders of images."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image


def pixels(seed: int, size: tuple[int, int] = (8, 8), channels: int = 3) -> npt.NDArray[np.uint8]:
    """`uint8[h w c]`, or `uint8[h w]` for one channel."""
    shape = (*size, channels) if channels > 1 else size
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def png(image: npt.NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "png")
    return file.getvalue()


def write_parquet(
    file: Path,
    images: Sequence[bytes],
    labels: Sequence[int | None],
    *,
    names: Sequence[str] | None = ("a", "b"),
    image: str = "image",
    label: str = "label",
    more: dict[str, tuple[Any, Any]] | None = None,
) -> None:
    """One split in the Hugging Face schema; labels may be out of range.

    Args:
        file: Where to.
        images: Encoded images.
        labels: Class of each.
        names: Class names; None for a plain integer column.
        image: Name of the image column.
        label: Name of the label column.
        more: For each further column its feature and values.
    """
    more = more if more is not None else {}
    kind = datasets.ClassLabel(names=list(names)) if names is not None else datasets.Value("int64")
    # Labels are written as numbers and declared afterwards: the library refuses to write wrong ones.
    plain = datasets.Features({label: datasets.Value("int64")})
    columns = datasets.Dataset.from_dict({label: list(labels)}, features=plain).data.table
    struct = pa.array([{"bytes": each, "path": f"{row}.png"} for row, each in enumerate(images)])
    columns = columns.append_column(image, struct)
    for name, (_, values) in more.items():
        columns = columns.append_column(name, pa.array(values))
    features = datasets.Features(
        {label: kind, image: datasets.Image(), **{name: feature for name, (feature, _) in more.items()}}
    )
    metadata = {"huggingface": json.dumps({"info": {"features": features.to_dict()}})}
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(columns.replace_schema_metadata(metadata), file)


def write_folders(root: Path, classes: dict[str, list[npt.NDArray[np.uint8]]]) -> None:
    """One folder of PNG files a class."""
    for name, images in classes.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for number, image in enumerate(images):
            (root / name / f"{number}.png").write_bytes(png(image))
