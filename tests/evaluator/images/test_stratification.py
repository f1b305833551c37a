from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from evaluator.images.stratification import carve, limit

LABELS = np.array([0] * 50 + [1] * 30 + [2] * 3 + [3] * 2)


def test_carving_takes_the_rounded_share_of_each_class_and_at_least_one() -> None:
    kept, carved = carve(LABELS, 0.1, np.random.default_rng(0))
    assert Counter(LABELS[carved].tolist()) == {0: 5, 1: 3, 2: 1, 3: 1}
    assert sorted([*kept, *carved]) == list(range(len(LABELS)))


def test_carving_never_takes_all_images_of_a_class() -> None:
    kept, _ = carve(LABELS, 0.99, np.random.default_rng(0))
    assert set(LABELS[kept].tolist()) == {0, 1, 2, 3}


def test_another_seed_carves_other_images() -> None:
    first, again, other = (carve(LABELS, 0.1, np.random.default_rng(seed))[1] for seed in (0, 0, 1))
    assert first.tolist() == again.tolist() != other.tolist()


@pytest.mark.parametrize("number", [8, 9, 20, 41, 84])
def test_a_limit_is_met_exactly_with_two_images_of_each_class_or_more(number: int) -> None:
    kept = limit(LABELS, number, np.random.default_rng(0))
    counts = Counter(LABELS[kept].tolist())
    assert len(set(kept.tolist())) == len(kept) == number
    assert min(counts.values()) >= 2


def test_a_limit_keeps_the_proportions_of_equal_classes() -> None:
    labels = np.repeat(np.arange(10), 100)
    kept = limit(labels, 300, np.random.default_rng(0))
    assert Counter(labels[kept].tolist()) == dict.fromkeys(range(10), 30)


def test_a_limit_above_the_number_of_images_keeps_all() -> None:
    assert limit(LABELS, 1000, np.random.default_rng(0)).tolist() == list(range(len(LABELS)))
