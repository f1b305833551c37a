"""MobileNetV2.

Axes: b images, c channels, h w positions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from search_spaces.hosts.host import Host, Unit, replace_among
from search_spaces.hosts.stem import conv_norm, depthwise_norm


class InvertedResidual(Unit):
    """1x1 (absent if the expansion is 1), mixer, depthwise 3x3, linear 1x1; added to the input if the shape stays.

    Args:
        inputs: Number of input channels.
        outputs: Number of output channels.
        stride: Stride of the depthwise convolution.
        expansion: Number of channels of the depthwise convolution, as a multiple of the inputs.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = expansion * inputs
        self.expand = nn.Sequential(*conv_norm(inputs, hidden), nn.ReLU6()) if expansion > 1 else nn.Sequential()
        self.mixer = nn.Identity()
        self.mixed = hidden
        self.spatial = nn.Sequential(*depthwise_norm(hidden, stride), nn.ReLU6())
        self.project = nn.Sequential(*conv_norm(hidden, outputs))
        self.residual = stride == 1 and inputs == outputs

    def replace_convolutions(self, make: Callable[[nn.Conv2d], nn.Module]) -> None:
        """Replaces both 1x1 convolutions."""
        replace_among(self.expand, make)
        replace_among(self.project, make)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c' h/s w/s]`, rounded up."""
        y: Tensor = self.project(self.spatial(self.mixer(self.expand(x))))
        return x + y if self.residual else y


def mobilenet_v2(
    *,
    stem_channels: tuple[int, int],
    stages: Sequence[Sequence[int]],
    expansion: int,
    features: int,
    form: str,
    stem_kernel: int,
    channels: int,
    classes: int,
) -> Host:
    """The unchanged network, without the dropout that the authors' code has before the classifier.

    The first row of the table, one unit without expansion, belongs to the stem. The stem and every stage halve the image;
    in the small form, as is usual for CIFAR, the stem and the first stage keep its size.

    Source: Sandler et al., MobileNetV2, arXiv 1801.04381, table 2.

    Args:
        stem_channels: Numbers of channels of the first convolution and of the first row.
        stages: Number of outputs of each unit of each stage.
        expansion: Expansion of each unit.
        features: Number of outputs of the last 1x1 convolution.
        form: Form of the network, small or imagenet.
        stem_kernel: Kernel size of the small form's stem, 1 or 3; the imagenet form has 3.
        channels: Number of channels of the images.
        classes: Number of classes.
    """
    small = form == "small"
    first, inputs = stem_channels
    stem = nn.Sequential(
        *conv_norm(channels, first, kernel=stem_kernel if small else 3, stride=1 if small else 2),
        nn.ReLU6(),
        InvertedResidual(first, inputs, stride=1, expansion=1),
    )
    built: list[list[Unit]] = []
    for rows in stages:
        stage: list[Unit] = []
        for outputs in rows:
            stride = 1 if stage or (small and not built) else 2
            stage.append(InvertedResidual(inputs, outputs, stride=stride, expansion=expansion))
            inputs = outputs
        built.append(stage)
    head = nn.Sequential(*conv_norm(inputs, features), nn.ReLU6())
    return Host(stem=stem, stages=built, head=head, features=features, classes=classes)
