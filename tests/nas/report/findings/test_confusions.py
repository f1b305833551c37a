"""What is taken for what, by counting it in another way."""

from __future__ import annotations

import random

from nas.classified import Classification, Classified
from nas.report.findings.confusions import ClassScore, Confusion, Mistake, confusions


def made(truth: list[int], predicted: list[int], confidence: list[float], classes: int = 3) -> Classification:
    return Classification(
        classes=[f"class {k}" for k in range(classes)],
        truth=truth,
        networks={4: Classified(predicted=predicted, confidence=confidence)},
        picture=lambda position: bytes([position]),
    )


def test_classes_confusions_and_mistakes_are_counted() -> None:
    found = confusions(made([0, 0, 0, 1, 2, 2], [0, 1, 1, 1, 0, 2], [0.9, 0.6, 0.8, 1.0, 0.8, 0.5]), 4, mistakes=2)
    assert (found.items, found.right) == (6, 3)
    assert found.scores == (
        ClassScore(label=0, items=3, right=1),
        ClassScore(label=1, items=1, right=1),
        ClassScore(label=2, items=2, right=1),
    )
    assert found.confusions == (Confusion(truth=0, answer=1, items=2), Confusion(truth=2, answer=0, items=1))
    assert found.surest == (
        Mistake(position=2, truth=0, answer=1, confidence=0.8),
        Mistake(position=4, truth=2, answer=0, confidence=0.8),
    )
    assert [one.label for one in found.worst(2)] == [0, 2]


def test_all_counts_add_up() -> None:
    rng = random.Random(1)
    truth = [rng.randrange(7) for _ in range(500)]
    predicted = [label if rng.random() < 0.7 else rng.randrange(7) for label in truth]
    found = confusions(made(truth, predicted, [rng.random() for _ in truth], classes=8), 4, mistakes=1000)
    assert sum(one.right for one in found.scores) == found.right
    assert sum(one.items for one in found.scores) == found.items == 500
    assert sum(one.items for one in found.confusions) == len(found.surest) == 500 - found.right
    assert [one.confidence for one in found.surest] == sorted((one.confidence for one in found.surest), reverse=True)
    assert 7 not in {one.label for one in found.scores}, "a class without items has no share of right ones"
