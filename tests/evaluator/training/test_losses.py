"""What a training minimizes can be anybody's, by as many forwards as it takes."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evaluator.device import resolve_device, resolve_execution
from evaluator.images.batches import BatchSource
from evaluator.images.data import load
from evaluator.settings import DataSettings, TrainSettings, training_identity
from evaluator.training.losses import CrossEntropy, cross_entropy, loss_factory
from evaluator.training.training_step import StepNumbers, TrainingStep
from nas.errors import SettingsError

CPU = resolve_execution(TrainSettings(precision="fp32", channels_last=False), resolve_device("cpu"))
NUMBERS = StepNumbers(rate=0.1, penalty_weight=0.0, decay=0.5)


def linear() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 3))


class TwoForwards:
    """The cross-entropy, and how far the network is from another one on the same images and on darker ones."""

    def __init__(self, teacher: nn.Module) -> None:
        self._teacher = teacher.eval().requires_grad_(False)

    def __call__(self, network: nn.Module, pixels: Tensor, labels: Tensor) -> Tensor:
        """See `evaluator.training.losses.BatchLoss`."""
        bright, dark = network(pixels), network(pixels / 2)
        return F.cross_entropy(bright, labels) + F.mse_loss(bright, self._teacher(pixels)) + F.mse_loss(dark, bright)


def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(8, 1, 2, 2, generator=generator), torch.randint(3, (8,), generator=generator)


def test_the_settings_loss_smooths_labels(few_digits: DataSettings) -> None:
    network, (pixels, labels) = linear(), batch()
    images = BatchSource(load(few_digits, 0).train, torch.device("cpu"))
    expected = F.cross_entropy(network(pixels), labels, label_smoothing=0.2)
    assert torch.equal(cross_entropy(TrainSettings(label_smoothing=0.2), images, 10)(network, pixels, labels), expected)
    assert not torch.equal(CrossEntropy()(network, pixels, labels), expected)


@pytest.mark.parametrize("parts", [1, 2])
def test_a_step_follows_the_gradient_of_whatever_is_minimized(parts: int) -> None:
    teacher, pixels, labels = linear(), *batch()
    zeroed = teacher.get_parameter("1.weight")
    torch.nn.init.zeros_(zeroed)
    loss = TwoForwards(teacher)
    step = TrainingStep(linear(), CPU, loss, momentum=0.0, weight_decay=0.0, parts=parts)
    before = [parameter.detach().clone() for parameter in step.model.parameters()]
    expected = loss(step.model, pixels, labels)
    gradients = torch.autograd.grad(expected, list(step.model.parameters()))
    norm = torch.cat([gradient.flatten() for gradient in gradients]).norm().item()
    told = step(pixels, labels, NUMBERS)
    assert told.item() == pytest.approx(expected.item(), rel=1e-5)
    for parameter, old, gradient in zip(step.model.parameters(), before, gradients, strict=True):
        moved = old - 0.1 * gradient * min(1.0, 1.0 / norm)
        assert torch.allclose(parameter, moved, rtol=1e-4, atol=1e-6)
    for kept, live, old in zip(step.averaged.network.parameters(), step.model.parameters(), before, strict=True):
        assert torch.allclose(kept, (live + old) / 2)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a b", "allowed: cross_entropy, or MODULE:FUNCTION of your own"),
        (
            "nothing_there:make",
            "cannot be imported (No module named 'nothing_there'); its folder must be on PYTHONPATH",
        ),
        ("math:no_such", "cannot be imported"),
        ("math:pi", "is no function"),
    ],
)
def test_a_loss_that_cannot_be_had_is_one_clear_line(name: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        loss_factory(TrainSettings(loss=name))
    assert str(caught.value).startswith("--train.loss")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_default_is_no_part_of_an_identity() -> None:
    assert loss_factory(TrainSettings()) is cross_entropy
    assert "loss" not in training_identity(TrainSettings())
    assert training_identity(TrainSettings(loss="mine:make"))["loss"] == "mine:make"
