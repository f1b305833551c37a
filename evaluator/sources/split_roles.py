"""The purposes of a dataset's splits, judged by their names."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """The purpose of a split."""

    TRAIN = "train"
    VALIDATION = "validation"
    """For choosing candidates."""
    TEST = "test"
    """For final measurements; no search uses it."""


NAMES: dict[Role, tuple[str, ...]] = {
    Role.TRAIN: ("train", "training"),
    Role.VALIDATION: ("validation", "valid", "val"),
    Role.TEST: ("test", "testing"),
}
"""Names of the splits of each role in lower case, the preferred one first."""
SPLIT_NAMES = tuple(name for names in NAMES.values() for name in names)


def assign_roles(names: Iterable[str], test_split: str | None = None) -> tuple[dict[Role, str], list[str]]:
    """The split for each role, and the splits that have no role.

    Args:
        names: Names of the splits, in upper or lower case.
        test_split: The split that a known dataset is tested on. If that is the one called validation, as for ImageNet,
            whose test split has no labels, no split is left for choosing, and validation images are held out of the
            training images.
    """
    known = dict(NAMES)
    if test_split in NAMES[Role.VALIDATION]:
        known = {**NAMES, Role.VALIDATION: (), Role.TEST: (*NAMES[Role.VALIDATION], *NAMES[Role.TEST])}
    left = sorted(names)
    found: dict[Role, str] = {}
    for role, wanted in known.items():
        matching = [name for each in wanted for name in left if name.lower() == each]
        if matching:
            found[role] = matching[0]
            left.remove(matching[0])
    return found, left
