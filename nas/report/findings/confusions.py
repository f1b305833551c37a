"""What a network takes for what: its right answers in each class, which classes it confuses, and its surest mistakes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from nas.classified import Classification


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScore:
    """How many items of one class are answered rightly."""

    label: int
    items: int
    right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Items of one class that are taken for another."""

    truth: int
    answer: int
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One item that is answered wrongly."""

    position: int
    truth: int
    answer: int
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusions:
    """What one network answered."""

    items: int
    right: int
    scores: tuple[ClassScore, ...]
    """The classes that have items, in their order."""
    confusions: tuple[Confusion, ...]
    """All pairs of classes that were confused, the most frequent first."""
    surest: tuple[Mistake, ...]
    """The mistakes that the network was surest about, the surest first."""

    def worst(self, most: int) -> list[ClassScore]:
        """The classes of which the smallest shares are right, of equal shares those with more items first."""
        return sorted(self.scores, key=lambda one: (one.right / one.items, -one.items, one.label))[:most]


def confusions(classification: Classification, trial: int, mistakes: int) -> Confusions:
    """What the network of a trial answered.

    Args:
        classification: Items and answers.
        trial: A trial whose answers are known.
        mistakes: Most mistakes that are picked out.
    """
    network, truth = classification.networks[trial], classification.truth
    cells = Counter(zip(truth, network.predicted, strict=True))
    items = Counter(truth)
    wrong = [
        Mistake(position=position, truth=label, answer=answer, confidence=confidence)
        for position, (label, answer, confidence) in enumerate(
            zip(truth, network.predicted, network.confidence, strict=True)
        )
        if label != answer
    ]
    confused = sorted(
        (
            Confusion(truth=label, answer=answer, items=count)
            for (label, answer), count in cells.items()
            if label != answer
        ),
        key=lambda one: (-one.items, one.truth, one.answer),
    )
    return Confusions(
        items=len(truth),
        right=len(truth) - len(wrong),
        scores=tuple(ClassScore(label=label, items=items[label], right=cells[label, label]) for label in sorted(items)),
        confusions=tuple(confused),
        surest=tuple(sorted(wrong, key=lambda one: (-one.confidence, one.position))[:mistakes]),
    )
