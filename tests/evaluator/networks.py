"""Small networks for the tests, one with a learned shuffle that reports what was asked of it."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from module_protocols import Counted, EvaluationMode, LearnedShuffle


class SoftShuffle(nn.Module, LearnedShuffle, Counted):
    """A learned index map: rows' largest entries, with the gradient of the softmax they are taken from."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.randn(channels, channels) * 0.1 + 2 * torch.eye(channels))
        self.progress: list[float] = []
        self.evaluation_mode = EvaluationMode.HARD
        self._penalty = torch.zeros(())
        self._valid = 0.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        soft = self.logits.softmax(dim=1)
        if self.training:
            n = len(soft)
            self._penalty = (soft @ soft.T - torch.eye(n, device=soft.device)).square().sum() / (n - 1)
        if self.evaluation_mode is EvaluationMode.SOFT and not self.training:
            return torch.einsum("ij,njhw->nihw", soft, x)
        index = soft.argmax(dim=1)
        if self.training:
            hard = nn.functional.one_hot(index, len(soft)) + soft - soft.detach()
            return torch.einsum("ij,njhw->nihw", hard, x)
        self._valid = float(len(index.unique()) == len(index)) if not index.is_meta else 0.0
        return x[:, index]

    def set_progress(self, share: float) -> None:
        self.progress.append(share)

    def penalty(self) -> torch.Tensor:
        return self._penalty

    def set_evaluation_mode(self, mode: EvaluationMode) -> None:
        self.evaluation_mode = mode

    def logit_parameters(self) -> Iterable[nn.Parameter]:
        return [self.logits]

    def statistics(self) -> dict[str, float]:
        return {"valid": self._valid, "coverage": 1.0, "disagreement": 0.0}

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        return 0

    def deployed_parameters(self) -> int:
        return 0


def plain_network(channels: int = 1, classes: int = 10, width: int = 8) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, 2, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, 1, 1, groups=width),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(4 * width, classes),
    )


def shuffling_network(channels: int = 1, classes: int = 10, width: int = 8) -> nn.Sequential:
    plain = list(plain_network(channels, classes, width))
    return nn.Sequential(*plain[:3], SoftShuffle(width), *plain[3:])
