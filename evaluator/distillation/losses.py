"""Losses by which a network learns from the answers of a trained one, its teacher.

Axes: b images of a batch, c classes. t is the class of an image, p and q are the probabilities of teacher and student, that is,
the softmax of their logits divided by the temperature T. With weight w and the cross-entropy CE with the labels:

* Hinton et al., "Distilling the Knowledge in a Neural Network" (2015), `kd`: (1 - w) CE + w T² KL(p || q).
* Zhao et al., "Decoupled Knowledge Distillation" (CVPR 2022), `dkd`: (1 - w) CE + w T² (TCKD + beta NCKD), where TCKD is the
  divergence of the two probabilities "t or not t", and NCKD that of the probabilities of the other classes among themselves.
  KL(p || q) is TCKD + (1 - p_t) NCKD, so beta = 1 - p_t, for each image, makes `dkd` the same as `kd`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evaluator.training.losses import CrossEntropy

Teacher = Callable[[Tensor], Tensor]
"""Gives logits `float[b c]` for normalized images `float[b channels h w]`, on their device, without a gradient."""


def hinton(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """KL(p || q) for each image, `float[b]`.

    Args:
        student: Logits `float[b c]`.
        teacher: Logits `float[b c]`.
        temperature: The temperature, above 0.
    """
    log_p, log_q = (F.log_softmax(logits / temperature, dim=1) for logits in (teacher, student))
    return (log_p.exp() * (log_p - log_q)).sum(dim=1)


def decoupled(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float, beta: float | Tensor) -> Tensor:
    """TCKD + beta NCKD for each image, `float[b]`.

    Args:
        student: Logits `float[b c]`.
        teacher: Logits `float[b c]`.
        labels: `int64[b]`.
        temperature: The temperature, above 0.
        beta: Weight of the other classes: a number, or `float[b]`.
    """
    target = torch.zeros_like(student, dtype=torch.bool).scatter(1, labels[:, None], True)
    (p, p_others), (q, q_others) = (_parts(logits / temperature, target) for logits in (teacher, student))
    tckd = (p.exp() * (p - q)).sum(dim=1)
    nckd = (p_others.exp() * (p_others - q_others)).masked_fill(target, 0).sum(dim=1)
    return tckd + beta * nckd


def _parts(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Logarithms of the probabilities "t or not t", `float[b 2]`, and of the other classes among themselves, `float[b c]`.

    In the place of the class t of an image, the second has 0.
    """
    log = F.log_softmax(logits, dim=1)
    is_target = log.masked_fill(~target, 0).sum(dim=1)
    others = log.masked_fill(target, -torch.inf)
    is_other = others.logsumexp(dim=1)
    return torch.stack([is_target, is_other], dim=1), F.log_softmax(others, dim=1).masked_fill(target, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """How a teacher is listened to."""

    form: str
    """kd or dkd."""
    temperature: float
    weight: float
    """Share w of the teacher in the loss, 0 to 1."""
    beta: float
    """Weight of the other classes in dkd."""


class Distillation:
    """The loss of a student (a `BatchLoss`). The teacher sees the same augmented images as the student.

    Args:
        labelled: The loss by the labels.
        teacher: Gives the teacher's logits.
        lesson: How the teacher is listened to.
    """

    def __init__(self, labelled: CrossEntropy, teacher: Teacher, lesson: Lesson) -> None:
        self._labelled = labelled
        self._teacher = teacher
        self._lesson = lesson

    def __call__(self, network: nn.Module, pixels: Tensor, labels: Tensor) -> Tensor:
        """See `BatchLoss`."""
        lesson = self._lesson
        with torch.no_grad():
            taught = self._teacher(pixels).float()
        logits = network(pixels).float()
        if lesson.form == "kd":
            divergence = hinton(logits, taught, lesson.temperature)
        else:
            divergence = decoupled(logits, taught, labels, lesson.temperature, lesson.beta)
        share = lesson.weight * lesson.temperature**2
        return (1 - lesson.weight) * self._labelled.of(logits, labels) + share * divergence.mean()
