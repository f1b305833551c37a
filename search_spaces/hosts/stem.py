"""The first layers of a host in both forms, and small parts that several hosts are made of."""

from __future__ import annotations

from torch import nn

from search_spaces.hosts.strided_pointwise import StridedPointwise

STEM_CHANNELS = 24


def make_stem(*, form: str, kernel: int, channels: int) -> nn.Sequential:
    """Convolution to 24 channels, norm, ReLU: stride 1 in the small form; stride 2 and a stride-2 max-pool in the ImageNet form.

    Args:
        form: Form of the network, small or imagenet.
        kernel: Kernel size of the small form, 1 or 3; the ImageNet form has 3.
        channels: Number of channels of the images.
    """
    if form == "imagenet":
        return nn.Sequential(
            *conv_norm(channels, STEM_CHANNELS, kernel=3, stride=2), nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1)
        )
    return nn.Sequential(*conv_norm(channels, STEM_CHANNELS, kernel=kernel), nn.ReLU())


def conv_norm(
    inputs: int, outputs: int, *, kernel: int = 1, stride: int = 1, groups: int = 1
) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """A `convolution` and its norm."""
    return convolution(inputs, outputs, kernel=kernel, stride=stride, groups=groups), nn.BatchNorm2d(outputs)


def convolution(inputs: int, outputs: int, *, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """A convolution without bias, which at stride 1 keeps the size."""
    if kernel == 1 and stride > 1:
        return StridedPointwise(inputs, outputs, stride=stride, groups=groups)
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)


def depthwise_norm(channels: int, stride: int) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """A 3x3 depthwise convolution and its norm."""
    return conv_norm(channels, channels, kernel=3, stride=stride, groups=channels)


def like(other: nn.Conv2d, *, groups: int, outputs: int | None = None) -> nn.Conv2d:
    """A convolution with the same kernel and stride, but another number of groups and, if given, of outputs."""
    return convolution(
        other.in_channels,
        other.out_channels if outputs is None else outputs,
        kernel=other.kernel_size[0],
        stride=other.stride[0],
        groups=groups,
    )
