"""Decides which images of an opened source are used: readable ones, of classes with enough images, each for one purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluator.images.stratification import Labels, Rows, carve, class_counts
from evaluator.sources.findings import shown
from evaluator.sources.raw_splits import RawDataset
from evaluator.sources.split_roles import Role
from nas.errors import DataError

TEST_SHARE = 0.1
"""Share of the images that becomes the test split if the source has none."""
TEST_SEED = 20231002
"""Seed of the choice of test images. It is a constant, so that the test split is the same in every search."""
MOST_NAMED = 20
"""Most faults of one kind that a message names."""

Faults = Mapping[Role, Mapping[int, str]]
"""For each split and row whose image cannot be used, the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The images of a split that are used for one purpose."""

    role: Role
    """The purpose of the images."""
    split: Role
    """The split that the images belong to."""
    rows: Rows
    """Rows of the images in the split, `int64[n]`, ascending."""
    labels: Labels
    """Classes of the images, numbered among the classes that are used, `int64[n]`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """What is used of a source."""

    class_names: tuple[str, ...]
    parts: Mapping[Role, Part]
    skipped_classes: tuple[str, ...]
    """Names of the classes that were left out because they have too few images, with their counts."""


def screen(raw: RawDataset, faults: Faults, *, skip_small: bool, found: Sequence[str] = ()) -> Screened:
    """Chooses the images of a source that are used.

    If the source has no test split, one is carved from its training images.

    Args:
        raw: The opened source.
        faults: The images that cannot be used.
        skip_small: Whether classes with too few images are left out instead of refused.
        found: Sentences on what else was in the source, which may explain why a class has no images.

    Raises:
        DataError: Classes have too few images, and the message names them all; or fewer than two classes are left.
    """
    rows = {role: _good(len(split.labels), faults.get(role, {})) for role, split in raw.splits.items()}
    labels = {role: raw.splits[role].labels[rows[role]] for role in rows}
    _require_two(raw.class_names, raw.location)
    kept, skipped = _large_enough(raw, labels, skip_small=skip_small, found=found)
    if skipped:
        _require_two([raw.class_names[label] for label in kept], f"{raw.location} without its small classes")
        for role in rows:
            of_kept = np.isin(labels[role], kept)
            rows[role], labels[role] = rows[role][of_kept], np.searchsorted(kept, labels[role][of_kept])
    parts = {
        role: Part(role=role, split=role, rows=rows[role], labels=labels[role]) for role in rows if len(rows[role])
    }
    if Role.TEST not in parts:
        training, test = carve(labels[Role.TRAIN], TEST_SHARE, np.random.default_rng(TEST_SEED))
        for role, chosen in ((Role.TRAIN, training), (Role.TEST, test)):
            parts[role] = Part(
                role=role, split=Role.TRAIN, rows=rows[Role.TRAIN][chosen], labels=labels[Role.TRAIN][chosen]
            )
    return Screened(class_names=tuple(raw.class_names[label] for label in kept), parts=parts, skipped_classes=skipped)


def broken_images(named: Sequence[str], total: int) -> DataError:
    """The error that refuses a source with images that cannot be used.

    Args:
        named: Each of these images, with the reason.
        total: Number of images in all.
    """
    return DataError(
        f"{len(named):,} of {total:,} images cannot be used; repair or remove them, or continue without them with "
        f"--data.skip_broken true:\n{listed(named)}"
    )


def listed(named: Sequence[str]) -> str:
    """The first entries, one per line, and how many more there are."""
    lines = [f"  {each}" for each in named[:MOST_NAMED]]
    if len(named) > MOST_NAMED:
        lines.append(f"  and {len(named) - MOST_NAMED:,} more")
    return "\n".join(lines)


def _good(count: int, faults: Mapping[int, str]) -> Rows:
    return np.setdiff1d(np.arange(count), np.fromiter(faults, dtype=np.int64), assume_unique=True)


def _require_two(names: Sequence[str], location: str) -> None:
    if len(names) < 2:
        there = f"one class only, {shown(names[0])}" if names else "no class"
        raise DataError(f"{location} holds {there}; at least two classes are needed")


def _large_enough(
    raw: RawDataset, labels: Mapping[Role, Labels], *, skip_small: bool, found: Sequence[str]
) -> tuple[Rows, tuple[str, ...]]:
    """The classes that are used, and the others in words."""
    purposes = ["to train on"]
    purposes += ["to validate on"] if not len(labels.get(Role.VALIDATION, ())) else []
    purposes += ["to test on"] if not len(labels.get(Role.TEST, ())) else []
    counts = class_counts(labels[Role.TRAIN], raw.class_names)
    small = np.flatnonzero(counts < len(purposes))
    named = tuple(
        f"{shown(raw.class_names[label])} ({counts[label] or 'no'} image{'' if counts[label] == 1 else 's'})"
        for label in small
    )
    if named and not skip_small:
        raise DataError(
            f"{len(small):,} of {len(counts):,} classes have too few training images: {len(purposes)} or more are needed, one "
            f"each {' and '.join(purposes)}; add some, or continue without these classes with --data.skip_small_classes true:\n"
            f"{listed(named)}" + (f"\nFound: {'; '.join(found)}" if found else "")
        )
    return np.flatnonzero(counts >= len(purposes)), named
