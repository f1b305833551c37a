"""Classes that count alike, however few images they have."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from evaluator.images.batches import BatchSource
from evaluator.images.data import load
from evaluator.settings import CLASS_WEIGHTS, DataSettings, TrainSettings, train_faults, training_identity
from evaluator.training.losses import CrossEntropy
from evaluator.training.trainer import Training
from tests.evaluator.networks import plain_network
from tests.evaluator.training.test_trainer import RECIPE, SETTINGS, make_training, run, state

CLASSES = 10


def uneven(digits: DataSettings) -> BatchSource:
    """Nine images of class 0 for each one of the others, of which class 9 has none."""
    part = load(digits, 0).train
    labels = part.labels[part.rows]
    few = [row for k in range(1, 9) for row in part.rows[labels == k][:1]]
    rows = part.rows[labels == 0][:9].tolist() + few
    return BatchSource(dataclasses.replace(part, rows=np.array(rows)), torch.device("cpu"))


def test_weights_are_those_of_equally_common_classes(few_digits: DataSettings) -> None:
    source = uneven(few_digits)
    weights = source.class_weights(CLASSES)
    _, labels = source.take(torch.arange(len(source)))
    sums = torch.bincount(labels, weights=weights[labels].double(), minlength=CLASSES)
    assert sums[:9].tolist() == pytest.approx([len(source) / CLASSES] * 9)
    assert torch.isfinite(weights).all()


class Given(nn.Module):
    """Gives these logits whatever it sees."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, _pixels: torch.Tensor) -> torch.Tensor:
        return self.logits


def weighted_training(data: DataSettings, weights: torch.Tensor | None) -> Training:
    return make_training(data, RECIPE, plain_network, class_weights=weights)


def test_a_weighted_loss_is_the_mean_over_images_of_weight_times_loss() -> None:
    weights = torch.linspace(0.5, 1.5, CLASSES)
    logits, labels = torch.randn(32, CLASSES), torch.arange(32) % CLASSES
    smoothing = SETTINGS.label_smoothing
    targets = torch.full((32, CLASSES), smoothing / CLASSES)
    targets[torch.arange(32), labels] += 1 - smoothing
    expected = -(targets * weights * logits.log_softmax(dim=1)).sum(dim=1).mean()
    loss = CrossEntropy(smoothing, weights)(Given(logits), torch.empty(32, 0), labels)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_equal_weights_train_as_none(few_digits: DataSettings, tmp_path: Path) -> None:
    plain = run(weighted_training(few_digits, None), tmp_path / "plain")
    equal = run(weighted_training(few_digits, torch.ones(CLASSES)), tmp_path / "equal")
    first, second = state(plain), state(equal)
    assert all(torch.allclose(first[name], second[name], atol=1e-4) for name in first)


def test_parts_of_a_batch_add_up_to_the_weighted_batch() -> None:
    weights = torch.linspace(0.2, 3.0, CLASSES)
    gradients = []
    for parts in (1, 4):
        loss = CrossEntropy(SETTINGS.label_smoothing, weights)
        torch.manual_seed(0)
        logits = torch.randn(32, CLASSES, requires_grad=True)
        labels = torch.arange(32) % 7
        losses = [
            loss(Given(some), torch.empty(len(own), 0), own) * (len(own) / 32)
            for some, own in zip(logits.chunk(parts), labels.chunk(parts), strict=True)
        ]
        torch.stack(losses).sum().backward()
        assert logits.grad is not None
        gradients.append(logits.grad)
    assert torch.allclose(gradients[0], gradients[1], atol=1e-7)


def test_an_unknown_weighting_is_refused() -> None:
    (fault,) = train_faults(TrainSettings(class_weights="some"))
    assert fault == "--train.class_weights is 'some'; allowed: none, balanced"
    assert all(train_faults(TrainSettings(class_weights=name)) == [] for name in CLASS_WEIGHTS)


def test_weights_are_part_of_an_identity_only_where_there_are_some() -> None:
    plain = training_identity(TrainSettings())
    assert "class_weights" not in plain, "as in studies and checkpoints of before"
    assert training_identity(TrainSettings(class_weights="balanced")) == {**plain, "class_weights": "balanced"}
