"""ShuffleNetV2.

Axes: b images, c channels, h w positions.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from search_spaces.blocks.channel_shuffle import ChannelShuffle
from search_spaces.hosts.host import Host, Unit, replace_among
from search_spaces.hosts.stem import STEM_CHANNELS, conv_norm, depthwise_norm, make_stem

SHUFFLE_GROUPS = 2


class SplitUnit(Unit):
    """Stride 1: half of the channels pass, half are processed, then all are mixed."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.branch = nn.Sequential(
            *conv_norm(half, half), nn.ReLU(), *depthwise_norm(half, 1), *conv_norm(half, half), nn.ReLU()
        )
        self.mixer = ChannelShuffle(channels, SHUFFLE_GROUPS)
        self.mixed = channels

    def replace_convolutions(self, make: Callable[[nn.Conv2d], nn.Module]) -> None:
        """Replaces both 1x1 convolutions of the branch."""
        replace_among(self.branch, make)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`."""
        passed, processed = x.chunk(2, dim=1)
        mixed: Tensor = self.mixer(torch.cat((passed, self.branch(processed)), dim=1))
        return mixed


class DownUnit(Unit):
    """Stride 2: both branches see all channels, and each gives half of the outputs."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.shortcut = nn.Sequential(*depthwise_norm(inputs, 2), *conv_norm(inputs, half), nn.ReLU())
        self.branch = nn.Sequential(
            *conv_norm(inputs, half), nn.ReLU(), *depthwise_norm(half, 2), *conv_norm(half, half), nn.ReLU()
        )
        self.mixer = ChannelShuffle(outputs, SHUFFLE_GROUPS)
        self.mixed = outputs

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c' ceil(h/2) ceil(w/2)]`."""
        mixed: Tensor = self.mixer(torch.cat((self.shortcut(x), self.branch(x)), dim=1))
        return mixed


def head_channels(stage_channels: tuple[int, ...]) -> int:
    """Outputs of the last 1x1 convolution: 1024, or 2048 at 2x; at other widths, our choice, four times the last stage's."""
    published = {48: 1024, 116: 1024, 176: 1024, 244: 2048}
    return published.get(stage_channels[0], 4 * stage_channels[-1])


def shufflenet_v2(
    *,
    stage_channels: tuple[int, ...],
    units: tuple[int, ...],
    form: str,
    stem_kernel: int,
    channels: int,
    classes: int,
) -> Host:
    """The unchanged network.

    The shuffle of a unit is at its end, as in the paper; megvii's code has it at the start of the next unit, which is the same.

    Source: Ma et al., ShuffleNet V2, arXiv 1807.11164, figure 3 and table 5.

    Args:
        stage_channels: Number of outputs of each stage, which must be even.
        units: Number of units of each stage, the first of which has stride 2.
        form: Form of the network, small or imagenet.
        stem_kernel: Kernel size of the small form's stem, 1 or 3.
        channels: Number of channels of the images.
        classes: Number of classes.
    """
    stem = make_stem(form=form, kernel=stem_kernel, channels=channels)
    stages: list[list[Unit]] = []
    inputs = STEM_CHANNELS
    for outputs, count in zip(stage_channels, units, strict=True):
        stages.append([DownUnit(inputs, outputs), *(SplitUnit(outputs) for _ in range(count - 1))])
        inputs = outputs
    features = head_channels(stage_channels)
    head = nn.Sequential(*conv_norm(inputs, features), nn.ReLU())
    return Host(stem=stem, stages=stages, head=head, features=features, classes=classes)
