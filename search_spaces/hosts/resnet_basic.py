"""The CIFAR ResNet with basic units: ResNet-20, 32, 44, 56, 110.

Axes: b images, c channels, h w positions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from search_spaces.hosts.host import Host, Unit, replace_among
from search_spaces.hosts.stem import conv_norm

CHANNELS = (16, 32, 64)
STRIDES = (1, 2, 2)
MIXER = 3
"""Position of the mixer in the path of a unit."""


class ResidualBasic(Unit):
    """3x3, mixer, 3x3; added to the input, or to a 1x1 projection of it where the shape changes, then ReLU.

    Args:
        inputs: Number of input channels.
        outputs: Number of output channels.
        stride: Stride of the first convolution and of the projection.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        first = (*conv_norm(inputs, outputs, kernel=3, stride=stride), nn.ReLU())
        # In one chain, so that what is around the activation can be merged when the network is deployed.
        self.path = nn.Sequential(*first, nn.Identity(), *conv_norm(outputs, outputs, kernel=3))
        self.mixed = outputs
        unchanged = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if unchanged else nn.Sequential(*conv_norm(inputs, outputs, stride=stride))

    def replace_mixer(self, make: Callable[[int], nn.Module]) -> None:
        """Puts a mixer between the two convolutions."""
        self.path[MIXER] = make(self.mixed)

    def replace_convolutions(self, make: Callable[[nn.Conv2d], nn.Module]) -> None:
        """Replaces both 3x3 convolutions, but not the projection."""
        replace_among(self.path, make)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c' h/s w/s]`, rounded up."""
        return torch.relu(self.shortcut(x) + self.path(x))


def resnet_basic(
    *, stage_channels: Sequence[int], units: Sequence[int], channels: int, classes: int, stem_kernel: int = 3
) -> Host:
    """The network of 6 n + 2 layers for n units per stage: a stem, and stages at full, half and quarter size.

    The shortcut is a projection where the shape changes, else the identity. This is option B of the paper; for CIFAR the
    paper uses option A, padding with zeros, which has no parameters.

    Source: He et al., Deep Residual Learning, arXiv 1512.03385, section 4.2.

    Args:
        stage_channels: Number of channels of each stage, 16, 32 and 64 in the paper; the stem has the first number.
        units: Number of units of each stage; three times 3 for ResNet-20.
        channels: Number of channels of the images.
        classes: Number of classes.
        stem_kernel: Kernel size of the stem, 1 or 3.
    """
    stem = nn.Sequential(*conv_norm(channels, stage_channels[0], kernel=stem_kernel), nn.ReLU())
    stages: list[list[Unit]] = []
    inputs = stage_channels[0]
    for outputs, count, stride in zip(stage_channels, units, STRIDES, strict=True):
        stages.append(
            [
                ResidualBasic(inputs, outputs, stride=stride),
                *(ResidualBasic(outputs, outputs, stride=1) for _ in range(count - 1)),
            ]
        )
        inputs = outputs
    return Host(stem=stem, stages=stages, head=nn.Sequential(), features=inputs, classes=classes)
