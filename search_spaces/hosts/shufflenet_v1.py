"""ShuffleNetV1.

Axes: b images, c channels, h w positions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.blocks.channel_shuffle import ChannelShuffle
from search_spaces.hosts.host import Host, Unit
from search_spaces.hosts.stem import STEM_CHANNELS, conv_norm, depthwise_norm, make_stem


class BottleneckUnit(Unit):
    """Grouped 1x1, mixer, depthwise 3x3, grouped 1x1; added to the input, or at stride 2 concatenated with its average pool.

    Args:
        inputs: Number of input channels.
        outputs: Number of output channels; the bottleneck has a fourth of them.
        stride: Stride of the unit, 1 or 2.
        groups: Number of groups of the 1x1 convolutions and of the unchanged network's shuffle.
        first_groups: Number of groups of the first 1x1 convolution.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int, groups: int, first_groups: int) -> None:
        super().__init__()
        bottleneck = outputs // 4
        branch_outputs = outputs - inputs if stride == 2 else outputs
        self.squeeze = nn.Sequential(*conv_norm(inputs, bottleneck, groups=first_groups), nn.ReLU())
        self.mixer = ChannelShuffle(bottleneck, groups)
        self.mixed = bottleneck
        self.expand = nn.Sequential(
            *depthwise_norm(bottleneck, stride), *conv_norm(bottleneck, branch_outputs, groups=groups)
        )
        self.pool = nn.AvgPool2d(3, stride=2, padding=1) if stride == 2 else None

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c' h/s w/s]`, rounded up."""
        y = self.expand(self.mixer(self.squeeze(x)))
        if self.pool is None:
            return torch.relu(x + y)
        return torch.relu(torch.cat((self.pool(x), y), dim=1))


def shufflenet_v1(
    *,
    stage_channels: tuple[int, ...],
    units: tuple[int, ...],
    groups: int,
    form: str,
    stem_kernel: int,
    channels: int,
    classes: int,
) -> Host:
    """The unchanged network, whose very first 1x1 convolution is not grouped.

    The shuffle is before the depthwise convolution, as in the paper; megvii's code has it after, which for a fixed
    shuffle is the same up to the names of channels. The stem has 24 channels at every
    width, where megvii's 0.5x and 2x have 12 to 48.

    Source: Zhang et al., ShuffleNet, arXiv 1707.01083, figure 2 and table 1.

    Args:
        stage_channels: Number of outputs of each stage, multiples of 4 `groups`.
        units: Number of units of each stage, the first of which has stride 2.
        groups: Number of groups of the 1x1 convolutions.
        form: Form of the network, small or imagenet.
        stem_kernel: Kernel size of the small form's stem, 1 or 3.
        channels: Number of channels of the images.
        classes: Number of classes.
    """
    stem = make_stem(form=form, kernel=stem_kernel, channels=channels)
    stages: list[list[Unit]] = []
    inputs = STEM_CHANNELS
    for outputs, count in zip(stage_channels, units, strict=True):
        first_groups = groups if stages else 1
        stage: list[Unit] = [
            BottleneckUnit(inputs, outputs, stride=2, groups=groups, first_groups=first_groups),
            *(BottleneckUnit(outputs, outputs, stride=1, groups=groups, first_groups=groups) for _ in range(count - 1)),
        ]
        stages.append(stage)
        inputs = outputs
    return Host(stem=stem, stages=stages, head=nn.Sequential(), features=inputs, classes=classes)
