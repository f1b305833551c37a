"""Labels cover neither each other nor points while there is room."""

from __future__ import annotations

import itertools
import random

import pytest

from nas.report.pictures.labels import Box, place_labels

BOUNDS = (0.0, 0.0, 1000.0, 600.0)
SIZE = (90.0, 14.0)


def overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@pytest.mark.parametrize("seed", range(5))
def test_labels_do_not_overlap_and_stay_inside(seed: int) -> None:
    rng = random.Random(seed)
    anchors = [(rng.uniform(0, 1000), rng.uniform(0, 600)) for _ in range(10)]
    boxes = place_labels(anchors, [SIZE] * 10, anchors, BOUNDS)
    assert not any(overlap(a, b) for a, b in itertools.combinations(boxes, 2))
    assert all(box[0] >= 0 and box[1] >= 0 and box[2] <= 1000 and box[3] <= 600 for box in boxes)


def test_labels_of_one_place_spread_out() -> None:
    boxes = place_labels([(500.0, 300.0)] * 6, [SIZE] * 6, [(500.0, 300.0)], BOUNDS)
    assert not any(overlap(a, b) for a, b in itertools.combinations(boxes, 2))


def test_a_label_keeps_its_size_and_covers_no_point_that_it_can_avoid() -> None:
    obstacles = [(500.0, 300.0), (540.0, 290.0)]
    (box,) = place_labels([(500.0, 300.0)], [SIZE], obstacles, BOUNDS)
    assert (box[2] - box[0], box[3] - box[1]) == pytest.approx(SIZE)
    assert not any(box[0] < x < box[2] and box[1] < y < box[3] for x, y in obstacles)


def test_no_labels_are_no_boxes() -> None:
    assert place_labels([], [], [], BOUNDS) == []
