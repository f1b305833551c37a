"""The images of a split as they are stored: pixels, files, or rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from evaluator.images.stratification import Labels, Rows
from evaluator.sources.split_roles import Role

Encoded = bytes | str | npt.NDArray[np.uint8]
"""A stored image: a file's bytes, a file's path, or pixels `uint8[h w]`."""


class RawSplit(Protocol):
    """Images of one split as they are stored."""

    labels: Labels

    def batches(self, size: int) -> Iterator[list[Encoded]]:
        """The images in order, `size` at a time."""
        ...

    def select(self, rows: Rows) -> RawSplit:
        """The part of the split in these rows."""
        ...

    def describe(self, row: int) -> str:
        """Names the image of a row, for messages."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RawDataset:
    """A source that has been opened."""

    location: str
    class_names: tuple[str, ...]
    splits: Mapping[Role, RawSplit]
    """The training images, and the source's own validation and test images where it has them."""
    broken: Mapping[str, str] = field(default_factory=dict)
    """For each image that cannot even be opened, the reason."""
    told: tuple[str, ...] = ()
    """Sentences on what a person must know that was found while opening the source."""


class Pixels:
    """A split that is held as pixels."""

    def __init__(self, images: npt.NDArray[np.uint8], labels: Labels, numbers: Rows) -> None:
        self.labels = labels
        self._images = images
        self._numbers = numbers

    def batches(self, size: int) -> Iterator[list[Encoded]]:
        """See `RawSplit`."""
        for start in range(0, len(self._images), size):
            yield list(self._images[start : start + size])

    def select(self, rows: Rows) -> Pixels:
        """See `RawSplit`."""
        return Pixels(self._images[rows], self.labels[rows], self._numbers[rows])

    def describe(self, row: int) -> str:
        """See `RawSplit`."""
        return f"image {self._numbers[row]}"


class Files:
    """A split of image files."""

    def __init__(self, paths: Sequence[str], names: Sequence[str], labels: Labels) -> None:
        self.labels = labels
        self._paths = paths
        self._names = names

    def batches(self, size: int) -> Iterator[list[Encoded]]:
        """See `RawSplit`."""
        for start in range(0, len(self._paths), size):
            yield list(self._paths[start : start + size])

    def select(self, rows: Rows) -> Files:
        """See `RawSplit`."""
        return Files([self._paths[row] for row in rows], [self._names[row] for row in rows], self.labels[rows])

    def describe(self, row: int) -> str:
        """See `RawSplit`."""
        return self._names[row]


class Table:
    """A split of a `datasets.Dataset` whose images are not decoded."""

    def __init__(self, images: Any, column: str, labels: Labels, place: str, numbers: Rows) -> None:
        self.labels = labels
        self._images = images
        self._column = column
        self._place = place
        self._numbers = numbers

    def batches(self, size: int) -> Iterator[list[Encoded]]:
        """See `RawSplit`."""
        for batch in self._images.iter(batch_size=size):
            yield [_encoded(cell) for cell in batch[self._column]]

    def select(self, rows: Rows) -> Table:
        """See `RawSplit`."""
        return Table(self._images.select(rows), self._column, self.labels[rows], self._place, self._numbers[rows])

    def describe(self, row: int) -> str:
        """See `RawSplit`."""
        cell = self._images[row][self._column]
        path = cell.get("path") if isinstance(cell, Mapping) else None
        return f"row {self._numbers[row]} of {self._place}" + (f" ({path})" if path else "")


def _encoded(cell: Any) -> Encoded:
    if isinstance(cell, Mapping):
        return cell["bytes"] if cell["bytes"] is not None else (cell["path"] or b"")
    return cell if cell is not None else b""
