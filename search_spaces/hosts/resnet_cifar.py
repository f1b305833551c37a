"""The CIFAR ResNet with bottleneck units.

Axes: b images, c channels, h w positions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from search_spaces.hosts.host import Host, Unit, replace_among
from search_spaces.hosts.stem import conv_norm

STEM_CHANNELS = 16
EXPANSION = 4
STRIDES = (1, 2, 2)


class ResidualBottleneck(Unit):
    """1x1, mixer, 3x3, 1x1; added to the input, or to a 1x1 projection of it where the shape changes, then ReLU.

    Args:
        inputs: Number of input channels.
        bottleneck: Number of channels of the 3x3 convolution, a fourth of the outputs.
        stride: Stride of the 3x3 convolution and of the projection.
    """

    def __init__(self, inputs: int, bottleneck: int, *, stride: int) -> None:
        super().__init__()
        outputs = EXPANSION * bottleneck
        self.squeeze = nn.Sequential(*conv_norm(inputs, bottleneck), nn.ReLU())
        self.mixer = nn.Identity()
        self.mixed = bottleneck
        self.spatial = nn.Sequential(*conv_norm(bottleneck, bottleneck, kernel=3, stride=stride), nn.ReLU())
        self.expand = nn.Sequential(*conv_norm(bottleneck, outputs))
        unchanged = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if unchanged else nn.Sequential(*conv_norm(inputs, outputs, stride=stride))

    def replace_convolutions(self, make: Callable[[nn.Conv2d], nn.Module]) -> None:
        """Replaces the first and the last convolution, but not the projection."""
        replace_among(self.squeeze, make)
        replace_among(self.expand, make)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c' h/s w/s]`, rounded up."""
        y = self.expand(self.spatial(self.mixer(self.squeeze(x))))
        return torch.relu(self.shortcut(x) + y)


def resnet_cifar(
    *, bottlenecks: tuple[int, ...], units: tuple[int, ...], stem_kernel: int, channels: int, classes: int
) -> Host:
    """The unchanged network of 9 n + 2 layers for n units per stage: a stem of 16 channels, stages at full, half and quarter size.

    The stride is at the 3x3 convolution (as in later implementations) and not at the first 1x1, which therefore sees every
    position. The shortcut is a projection where the shape changes, else the identity.

    Source: He et al., Deep Residual Learning, arXiv 1512.03385, section 4.2 with the bottleneck unit of figure 5; of 9
        n + 2 layers
    as ResNet-164 of arXiv 1603.05027, in the original order with ReLU after the addition.

    Args:
        bottlenecks: Number of channels of the 3x3 convolutions of each stage, which has four times as many outputs.
        units: Number of units of each stage.
        stem_kernel: Kernel size of the stem, 1 or 3.
        channels: Number of channels of the images.
        classes: Number of classes.
    """
    stem = nn.Sequential(*conv_norm(channels, STEM_CHANNELS, kernel=stem_kernel), nn.ReLU())
    stages = bottleneck_stages(STEM_CHANNELS, bottlenecks, units, STRIDES)
    return Host(stem=stem, stages=stages, head=nn.Sequential(), features=EXPANSION * bottlenecks[-1], classes=classes)


def bottleneck_stages(
    inputs: int, bottlenecks: Sequence[int], units: Sequence[int], strides: Sequence[int]
) -> list[list[Unit]]:
    """Stages of bottleneck units, the first of which has the stage's stride.

    Args:
        inputs: Number of channels of the stem.
        bottlenecks: Number of channels of the 3x3 convolutions of each stage.
        units: Number of units of each stage.
        strides: Stride of each stage.
    """
    stages: list[list[Unit]] = []
    for bottleneck, count, stride in zip(bottlenecks, units, strides, strict=True):
        outputs = EXPANSION * bottleneck
        stages.append(
            [
                ResidualBottleneck(inputs, bottleneck, stride=stride),
                *(ResidualBottleneck(outputs, bottleneck, stride=1) for _ in range(count - 1)),
            ]
        )
        inputs = outputs
    return stages
