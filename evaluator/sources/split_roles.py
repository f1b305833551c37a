"""What the splits of a dataset are for, told by their names."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """What a split is for."""

    TRAIN = "train"
    VALIDATION = "validation"
    """Candidates are chosen by it."""
    TEST = "test"
    """No search uses it."""


NAMES: dict[Role, tuple[str, ...]] = {
    Role.TRAIN: ("train", "training"),
    Role.VALIDATION: ("validation", "valid", "val"),
    Role.TEST: ("test", "testing"),
}
"""Names of the splits of each role in lower case, the preferred one first."""
SPLIT_NAMES = tuple(name for names in NAMES.values() for name in names)


def assign_roles(names: Iterable[str], test_split: str | None = None) -> tuple[dict[Role, str], list[str]]:
    """Which split has which role, and the splits that have none.

    Args:
        names: Of the splits, in any case.
        test_split: The split that a known dataset is tested on. Where that is the one called validation, as of ImageNet, whose
            test split has no labels, nothing is left to choose by, and validation images are held out of the training images.
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
