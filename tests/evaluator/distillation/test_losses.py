from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from evaluator.distillation.losses import Distillation, Lesson, decoupled, hinton
from evaluator.training.losses import CrossEntropy


def softmax(logits: Sequence[float], temperature: float) -> list[float]:
    powers = [math.exp(logit / temperature) for logit in logits]
    return [power / sum(powers) for power in powers]


def divergence(p: Sequence[float], q: Sequence[float]) -> float:
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


def brute_dkd(student: Sequence[float], teacher: Sequence[float], label: int, temperature: float, beta: float) -> float:
    """The definition of Zhao et al., one image at a time, in plain numbers."""
    p, q = softmax(teacher, temperature), softmax(student, temperature)
    tckd = divergence([p[label], 1 - p[label]], [q[label], 1 - q[label]])
    others = [each for each in range(len(p)) if each != label]
    nckd = divergence([p[i] / (1 - p[label]) for i in others], [q[i] / (1 - q[label]) for i in others])
    return tckd + beta * nckd


@pytest.fixture
def logits() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    student, teacher = (4 * torch.randn(6, 5, dtype=torch.float64, generator=generator) for _ in range(2))
    return student, teacher, torch.tensor([0, 4, 2, 2, 1, 3])


@pytest.mark.parametrize(("temperature", "beta"), [(1.0, 1.0), (4.0, 8.0), (2.5, 0.0)])
def test_the_decoupled_divergence_is_that_of_its_definition(
    logits: tuple[Tensor, Tensor, Tensor], temperature: float, beta: float
) -> None:
    student, teacher, labels = logits
    found = decoupled(student, teacher, labels, temperature, beta)
    wanted = [
        brute_dkd(s, t, label, temperature, beta)
        for s, t, label in zip(student.tolist(), teacher.tolist(), labels.tolist(), strict=True)
    ]
    torch.testing.assert_close(found, torch.tensor(wanted, dtype=torch.float64))


def test_hintons_divergence_is_that_of_its_definition(logits: tuple[Tensor, Tensor, Tensor]) -> None:
    student, teacher, _ = logits
    wanted = [
        divergence(softmax(t, 3.0), softmax(s, 3.0)) for s, t in zip(student.tolist(), teacher.tolist(), strict=True)
    ]
    torch.testing.assert_close(hinton(student, teacher, 3.0), torch.tensor(wanted, dtype=torch.float64))


def test_with_the_teachers_own_weights_the_decoupled_divergence_is_hintons(
    logits: tuple[Tensor, Tensor, Tensor],
) -> None:
    student, teacher, labels = logits
    student.requires_grad_(True)
    beta = 1 - torch.softmax(teacher / 2.0, dim=1).gather(1, labels[:, None])[:, 0]
    ours, plain = decoupled(student, teacher, labels, 2.0, beta), hinton(student, teacher, 2.0)
    torch.testing.assert_close(ours, plain)
    gradients = [torch.autograd.grad(each.sum(), student)[0] for each in (ours, plain)]
    torch.testing.assert_close(*gradients)


def test_a_gradient_is_finite_where_a_network_is_certain() -> None:
    student = torch.tensor([[200.0, 0.0, -200.0]], requires_grad=True)
    teacher = torch.tensor([[-200.0, 0.0, 200.0]])
    loss = decoupled(student, teacher, torch.tensor([0]), 4.0, 8.0).sum()
    (gradient,) = torch.autograd.grad(loss, student)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("form", ["kd", "dkd"])
def test_the_loss_mixes_labels_and_teacher_and_leaves_the_teacher_alone(form: str) -> None:
    torch.manual_seed(0)
    student, teacher = nn.Linear(3, 4), nn.Linear(3, 4)
    pixels, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, 3, 0])
    loss = Distillation(CrossEntropy(0.1), teacher, Lesson(form=form, temperature=4.0, weight=0.3, beta=2.0))
    found = loss(student, pixels, labels)
    found.backward()
    assert all(parameter.grad is None for parameter in teacher.parameters())
    if form == "kd":
        taught = hinton(student(pixels), teacher(pixels), 4.0)
    else:
        taught = decoupled(student(pixels), teacher(pixels), labels, 4.0, 2.0)
    wanted = 0.7 * CrossEntropy(0.1)(student, pixels, labels) + 0.3 * 16 * taught.mean()
    torch.testing.assert_close(found, wanted)


def test_without_weight_the_loss_is_that_of_the_labels() -> None:
    torch.manual_seed(0)
    student, pixels, labels = nn.Linear(3, 4), torch.randn(5, 3), torch.tensor([0, 1, 2, 3, 0])
    lesson = Lesson(form="kd", temperature=4.0, weight=0.0, beta=1.0)
    alone = CrossEntropy(0.1)
    torch.testing.assert_close(
        Distillation(alone, nn.Linear(3, 4), lesson)(student, pixels, labels), alone(student, pixels, labels)
    )
