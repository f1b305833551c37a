"""Divides images so that every class keeps its share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]


def class_counts(labels: Labels, class_names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Number of images of each class."""
    return np.bincount(labels, minlength=len(class_names)).astype(np.int64)


def carve(labels: Labels, share: float, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Positions that stay, and positions that are carved out, both sorted.

    From each class the rounded share is carved out, at least one image and never all of them.

    Args:
        labels: Class of each image; each class that occurs has at least two.
        share: Share of the images to carve out, between 0 and 1.
        rng: Random generator that chooses the images.
    """
    carved = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        number = min(max(int(share * len(members) + 0.5), 1), len(members) - 1)
        carved.append(rng.permutation(members)[:number])
    out = np.sort(np.concatenate(carved))
    return np.setdiff1d(np.arange(len(labels)), out, assume_unique=True), out


def limit(labels: Labels, number: int, rng: np.random.Generator) -> Rows:
    """Sorted positions of at most `number` images, where every class has its share but at least two images.

    Args:
        labels: Class of each image.
        number: Number of images to keep, at least two per class.
        rng: Random generator that chooses the images.
    """
    if number >= len(labels):
        return np.arange(len(labels))
    classes, counts = np.unique(labels, return_counts=True)
    # Two images per class are set aside first; the rest is divided in proportion by largest remainders.
    free = np.maximum(counts - 2, 0)
    exact = (number - np.minimum(counts, 2).sum()) * free / max(free.sum(), 1)
    quota = np.floor(exact).astype(np.int64)
    missing = number - int(np.minimum(counts, 2).sum()) - int(quota.sum())
    quota[np.argsort(quota - exact, kind="stable")[:missing]] += 1
    quota += np.minimum(counts, 2)
    kept = [rng.permutation(np.flatnonzero(labels == label))[:size] for label, size in zip(classes, quota, strict=True)]
    return np.sort(np.concatenate(kept))
