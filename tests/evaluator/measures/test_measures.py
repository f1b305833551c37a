"""Measures against scikit-learn's, and their standard errors against drawing the images again."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score, log_loss

from evaluator.measures import MEASURES
from evaluator.measures.answers import Answers
from nas.objectives import Direction, ObjectiveKind

CLASSES = 4
THEIRS = {
    "accuracy": lambda labels, answers, _p: 100 * accuracy_score(labels, answers),
    "balanced_accuracy": lambda labels, answers, _p: 100 * balanced_accuracy_score(labels, answers),
    "macro_f1": lambda labels, answers, _p: 100 * f1_score(labels, answers, average="macro"),
    "cross_entropy": lambda labels, _answers, p: log_loss(labels, p, labels=range(CLASSES)),
}


def images(count: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels of uneven classes, and probabilities that lean to them: `int64[n], float[n c]`."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(CLASSES, size=count, p=(0.6, 0.25, 0.1, 0.05))
    logits = rng.normal(size=(count, CLASSES)) + 1.2 * np.eye(CLASSES)[labels]
    weights = np.exp(logits)
    return labels, weights / weights.sum(axis=1, keepdims=True)


def answers_of(labels: NDArray[np.int64], shares: NDArray[np.float64]) -> Answers:
    losses = -np.log(shares[np.arange(len(labels)), labels])
    confusion = confusion_matrix(labels, shares.argmax(axis=1), labels=range(CLASSES))
    return Answers(confusion=confusion, loss=float(losses.sum()), squared_loss=float((losses**2).sum()))


def test_every_measure_is_compared() -> None:
    assert list(MEASURES) == list(THEIRS)


@pytest.mark.parametrize("name", THEIRS)
def test_a_measure_is_what_scikit_learn_gives(name: str) -> None:
    for seed in range(3):
        labels, shares = images(300, seed)
        expected = THEIRS[name](labels, shares.argmax(axis=1), shares)
        measured = MEASURES[name].measurement(answers_of(labels, shares))
        assert measured.mean == pytest.approx(expected)
        assert measured.n == 300


@pytest.mark.parametrize("name", THEIRS)
def test_a_standard_error_is_the_spread_over_drawing_the_images_again(name: str) -> None:
    labels, shares = images(400)
    rng = np.random.default_rng(5)
    again = []
    for _ in range(600):
        rows = rng.integers(len(labels), size=len(labels))
        again.append(MEASURES[name].value(answers_of(labels[rows], shares[rows])))
    measured = MEASURES[name].measurement(answers_of(labels, shares))
    assert measured.standard_error == pytest.approx(np.std(again, ddof=1), rel=0.15)
    assert measured == MEASURES[name].measurement(answers_of(labels, shares)), "the same each time"


def test_the_error_of_an_accuracy_is_binomial() -> None:
    for correct in (0, 30, 40):
        confusion = np.array([[correct, 40 - correct], [0, 0]])
        measured = MEASURES["accuracy"].measurement(Answers(confusion=confusion, loss=0.0, squared_loss=0.0))
        likely = (correct + 1) / 42
        assert measured.mean == pytest.approx(100 * correct / 40)
        assert measured.standard_error == pytest.approx(100 * math.sqrt(likely * (1 - likely) / 40))


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_references_are_what_a_network_gives_that_has_learned_nothing(classes: int) -> None:
    one_answer = np.zeros((classes, classes), dtype=np.int64)
    one_answer[:, 0] = 7
    uniform = Answers(confusion=one_answer, loss=7 * classes * math.log(classes), squared_loss=0.0)
    for measure in MEASURES.values():
        objective = measure.objective(classes)
        assert objective.kind is ObjectiveKind.LEARNED
        assert measure.value(uniform) == pytest.approx(objective.reference), objective.name


def test_a_class_without_images_counts_only_where_it_is_answered() -> None:
    confusion = np.array([[8, 2, 0], [0, 0, 0], [1, 0, 9]])
    answers = Answers(confusion=confusion, loss=0.0, squared_loss=0.0)
    assert MEASURES["balanced_accuracy"].value(answers) == pytest.approx((80 + 90) / 2)
    assert MEASURES["macro_f1"].value(answers) == pytest.approx(100 * (16 / 19 + 0 + 18 / 19) / 3)


def test_only_the_cross_entropy_is_minimized() -> None:
    directions = {name: measure.objective(3).direction for name, measure in MEASURES.items()}
    assert [name for name, direction in directions.items() if direction is Direction.MINIMIZE] == ["cross_entropy"]
