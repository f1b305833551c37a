"""Networks for the tests of the machine's check, made in its process."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from evaluator.device import Execution
from evaluator.measuring.machine_check import Subject


class _OffBackward(torch.autograd.Function):
    """`weight * x`, with a gradient of the weight that is a twentieth too large in single precision."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        return x * weight

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x, weight = ctx.saved_tensors
        return grad * weight, (grad * x).sum((0, 2, 3), keepdim=True) * (1.05 if x.dtype == torch.float32 else 1.0)


class OffScale(nn.Module):
    """A scale a channel that is trained wrongly in single precision."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1, channels, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = _OffBackward.apply(x, self.scale)
        return y


class Trap(nn.Module):
    """Does something in single precision, as a broken kernel would."""

    def __init__(self, spring: Callable[[], object]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.calls = 0
        self._spring = spring

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        if self.calls > 1:  # in the first the layers are looked for
            self._spring()
        return x * self.weight


def die() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def hang() -> None:
    time.sleep(3600)


def complain() -> None:
    raise RuntimeError("could not create a primitive")


def network(*layers: nn.Module, channels: int = 8) -> nn.Sequential:
    """A convolution with norm and rectifier, the layers, and a classifier."""
    stem = (nn.Conv2d(1, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True))
    return nn.Sequential(*stem, *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "right": lambda: network(nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8)),
    "off": lambda: network(OffScale(8)),
    "strided": lambda: network(nn.Conv2d(4, 8, 1, stride=2), channels=4),
    "dying": lambda: network(Trap(die)),
    "hanging": lambda: network(Trap(hang)),
    "complaining": lambda: network(Trap(complain)),
}


def make_subjects(names: list[str], threads: int = 1, channels_last: bool = True, size: int = 16) -> list[Subject]:
    """The networks of these names, 64 images at a time, in fp32 on the CPU."""
    torch.manual_seed(0)
    return [
        Subject(
            name=name,
            network=NETWORKS[name](),
            input_shape=(64, 1, size, size),
            execution=Execution(device=torch.device("cpu"), precision="fp32", channels_last=channels_last),
            threads=threads,
        )
        for name in names
    ]
