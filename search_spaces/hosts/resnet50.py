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
    """The unchanged network; 3, 4, 6 and 3 units make it ResNet-50.

    In the imagenet form the stem, a 7x7 convolution and a max-pool, quarters the image; in the small form it keeps its size. The
    stride of a stage is at the 3x3 convolution of its first unit, as in later code of others, and not at the 1x1 before it.

    Source: He et al., Deep Residual Learning, arXiv 1512.03385, table 1.

    Args:
        stem_channels: Outputs of the stem.
        bottlenecks: Channels of the 3x3 convolutions of each stage; it puts out four times as many.
        units: Of each stage.
        form: small or imagenet.
        stem_kernel: Kernel size of the small form's stem, 1 or 3.
        channels: Of the images.
        classes: Number of classes.
    """
    if form == "imagenet":
        first = (*conv_norm(channels, stem_channels, kernel=7, stride=2), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1))
        stem = nn.Sequential(*first)
    else:
        stem = nn.Sequential(*conv_norm(channels, stem_channels, kernel=stem_kernel), nn.ReLU())
    stages = bottleneck_stages(stem_channels, bottlenecks, units, STRIDES)
    return Host(stem=stem, stages=stages, head=nn.Sequential(), features=EXPANSION * bottlenecks[-1], classes=classes)
