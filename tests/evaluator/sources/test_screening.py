"""Which images are used, on labels alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from evaluator.sources.raw_splits import Pixels, RawDataset
from evaluator.sources.screening import screen
from evaluator.sources.split_roles import Role
from nas.errors import DataError


def raw(train: Sequence[int], validation: Sequence[int] = (), test: Sequence[int] = ()) -> RawDataset:
    splits = {}
    for role, labels in ((Role.TRAIN, train), (Role.VALIDATION, validation), (Role.TEST, test)):
        if labels:
            images = np.zeros((len(labels), 1, 1), dtype=np.uint8)
            splits[role] = Pixels(images, np.array(labels), np.arange(len(labels)))
    return RawDataset(location="here", class_names=("a", "b", "c"), splits=splits)


def test_every_good_image_is_in_one_part() -> None:
    found = screen(raw([0, 1, 2] * 10), {Role.TRAIN: {4: "broken"}}, skip_small=False)
    train, test = found.parts[Role.TRAIN], found.parts[Role.TEST]
    assert sorted([*train.rows, *test.rows]) == [row for row in range(30) if row != 4]
    assert test.split is Role.TRAIN
    assert set(test.labels.tolist()) == {0, 1, 2}


@pytest.mark.parametrize(
    ("validation", "test", "least"), [([], [], 3), ([0, 1, 2], [], 2), ([0, 1, 2], [0], 1), ([], [0], 2)]
)
def test_a_class_needs_an_image_for_each_part_that_the_source_does_not_have(
    validation: list[int], test: list[int], least: int
) -> None:
    enough = [0, 1] * 5 + [2] * least
    assert screen(raw(enough, validation, test), {}, skip_small=False).class_names == ("a", "b", "c")
    with pytest.raises(DataError, match=rf"1 of 3 classes .* {least} or more are needed"):
        screen(raw(enough[:-1], validation, test), {}, skip_small=False)


def test_the_classes_that_are_left_are_counted_anew() -> None:
    found = screen(raw([1, 2] * 5, [0, 1, 2], [2, 0]), {}, skip_small=True)
    assert (found.class_names, found.skipped_classes) == (("b", "c"), ("a (no images)",))
    assert [found.parts[role].labels.tolist() for role in Role] == [[0, 1] * 5, [0, 1], [1]]
    assert found.parts[Role.VALIDATION].rows.tolist() == [1, 2]


def test_one_class_that_is_left_is_refused() -> None:
    with pytest.raises(DataError, match="here without its small classes holds one class only, b; at least two"):
        screen(raw([1] * 10), {}, skip_small=True)
