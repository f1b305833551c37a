"""The ResNet with bottleneck units in four stages: ResNet-50."""

from __future__ import annotations

from torch import nn

from search_spaces.hosts.host import Host
from search_spaces.hosts.resnet_cifar import EXPANSION, bottleneck_stages
from search_spaces.hosts.stem import conv_norm

STRIDES = (1, 2, 2, 2)


def resnet50(
    *,
    stem_channels: int,
    bottlenecks: tuple[int, ...],
    units: tuple[int, ...],
    form: str,
    stem_kernel: int,
    channels: int,
    classes: int,
) -> Host:
    """The unchanged network; with 3, 4, 6 and 3 units it is ResNet-50.

    In the imagenet form the stem, a 7x7 convolution and a max-pool, reduces the image to a quarter; in the small form it
    keeps its size. The stride of a stage is at the 3x3 convolution of its first unit, as in later implementations, and not
    at the 1x1 before it.

    Source: He et al., Deep Residual Learning, arXiv 1512.03385, table 1.

    Args:
        stem_channels: Number of outputs of the stem.
        bottlenecks: Number of channels of the 3x3 convolutions of each stage, which has four times as many outputs.
        units: Number of units of each stage.
        form: Form of the network, small or imagenet.
        stem_kernel: Kernel size of the small form's stem, 1 or 3.
        channels: Number of channels of the images.
        classes: Number of classes.
    """
    if form == "imagenet":
        first = (*conv_norm(channels, stem_channels, kernel=7, stride=2), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1))
        stem = nn.Sequential(*first)
    else:
        stem = nn.Sequential(*conv_norm(channels, stem_channels, kernel=stem_kernel), nn.ReLU())
    stages = bottleneck_stages(stem_channels, bottlenecks, units, STRIDES)
    return Host(stem=stem, stages=stages, head=nn.Sequential(), features=EXPANSION * bottlenecks[-1], classes=classes)
