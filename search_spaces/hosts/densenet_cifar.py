"""DenseNet-BC, the DenseNet with bottlenecks and compression, in its form for CIFAR.

Axes: b images, c channels, h w positions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from search_spaces.hosts.host import Host, Unit, replace_among
from search_spaces.hosts.stem import conv_norm

BOTTLENECK = 4
"""Number of outputs of a 1x1 convolution, as a multiple of the growth rate."""
MIXER = 5
"""Position of the mixer in the path of a unit."""


class DenseUnit(Unit):
    """Norm, ReLU, 1x1 to four times the growth rate, norm, ReLU, mixer, 3x3; the output is appended to the input.

    Args:
        inputs: Number of input channels.
        growth: Number of channels that the unit adds.
    """

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        hidden = BOTTLENECK * growth
        self.path = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.ReLU(),
            nn.Conv2d(inputs, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            nn.Identity(),
            nn.Conv2d(hidden, growth, 3, padding=1, bias=False),
        )
        self.mixed = hidden

    def replace_mixer(self, make: Callable[[int], nn.Module]) -> None:
        """Puts a mixer between the two convolutions."""
        self.path[MIXER] = make(self.mixed)

    def replace_convolutions(self, make: Callable[[nn.Conv2d], nn.Module]) -> None:
        """Replaces both convolutions."""
        replace_among(self.path, make)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c+growth h w]`."""
        return torch.cat((x, self.path(x)), 1)


def densenet_cifar(
    *, growth: int, starts: Sequence[int], units: Sequence[int], stem_kernel: int, channels: int, classes: int
) -> Host:
    """The unchanged network of 6 n + 4 layers for n units in each of three stages, with transitions between them.

    Source: Huang et al., Densely Connected Convolutional Networks, arXiv 1608.06993, sections 3 and 4.2, DenseNet-BC.

    Args:
        growth: Number of channels that a unit adds.
        starts: Number of channels that reach the first unit of each stage, the first of which the stem makes; and at the end the
            number that leave the last stage.
        units: Number of units of each stage.
        stem_kernel: Kernel size of the first convolution, 1 or 3.
        channels: Number of channels of the images.
        classes: Number of classes.
    """
    stages: list[list[nn.Module]] = []
    before = 0
    for start, count in zip(starts[:-1], units, strict=True):
        transition: list[nn.Module] = []
        if stages:
            convolution = nn.Conv2d(before, start, 1, bias=False)
            transition.append(nn.Sequential(nn.BatchNorm2d(before), nn.ReLU(), convolution, nn.AvgPool2d(2)))
        stages.append([*transition, *(DenseUnit(start + k * growth, growth) for k in range(count))])
        before = start + count * growth
    stem = conv_norm(channels, starts[0], kernel=stem_kernel)[0]
    head = nn.Sequential(nn.BatchNorm2d(before), nn.ReLU())
    return Host(stem=stem, stages=stages, head=head, features=before, classes=classes)
