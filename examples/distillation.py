"""Another loss: networks of a search learn from a teacher too, here one that an earlier search has trained.

export TEACHER=runs/quickstart/models/8 PYTHONPATH=examples
.venv/bin/python run_search.py --train.loss distillation:make_loss --output runs/distilled
"""

import os

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evaluator.images.batches import BatchSource
from evaluator.settings import TrainSettings
from search_spaces import load_model

SHARE, TEMPERATURE = 0.5, 4.0
"""What the teacher's answers count, and how soft they are (Hinton et al., arXiv 1503.02531)."""


def make_loss(settings: TrainSettings, images: BatchSource, classes: int) -> "Distillation":
    return Distillation(load_model(os.environ["TEACHER"]).to(images.device))


class Distillation:
    def __init__(self, teacher: nn.Module) -> None:
        self.teacher = teacher.eval().requires_grad_(False)

    def __call__(self, network: nn.Module, pixels: Tensor, labels: Tensor) -> Tensor:
        logits = network(pixels).float()
        with torch.no_grad():
            wanted = (self.teacher(pixels).float() / TEMPERATURE).softmax(dim=1)
        told = F.kl_div((logits / TEMPERATURE).log_softmax(dim=1), wanted, reduction="batchmean") * TEMPERATURE**2
        return SHARE * told + (1 - SHARE) * F.cross_entropy(logits, labels)
