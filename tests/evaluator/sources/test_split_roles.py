from __future__ import annotations

import pytest

from evaluator.sources.split_roles import Role, assign_roles

TRAIN, VALIDATION, TEST = Role.TRAIN, Role.VALIDATION, Role.TEST


@pytest.mark.parametrize(
    ("names", "roles", "left"),
    [
        (["train"], {TRAIN: "train"}, []),
        (["Train", "VAL", "Testing"], {TRAIN: "Train", VALIDATION: "VAL", TEST: "Testing"}, []),
        (["val", "valid", "train"], {TRAIN: "train", VALIDATION: "valid"}, ["val"]),
        (["train", "Train", "extra"], {TRAIN: "Train"}, ["extra", "train"]),
        (["extra"], {}, ["extra"]),
    ],
)
def test_a_split_has_the_role_of_its_name(names: list[str], roles: dict[Role, str], left: list[str]) -> None:
    assert assign_roles(names) == (roles, left)


def test_a_known_dataset_that_is_tested_on_its_validation_split_has_none_to_choose_by() -> None:
    assert assign_roles(["train", "validation", "test"], "validation") == (
        {TRAIN: "train", TEST: "validation"},
        ["test"],
    )
    assert assign_roles(["train", "valid"], "valid") == ({TRAIN: "train", TEST: "valid"}, [])
    assert assign_roles(["train", "val"], "test") == ({TRAIN: "train", VALIDATION: "val"}, [])
