"""VGG16 for small images: 3x3 convolutions with batch norm, and one fully connected layer.

Axes: b images, c channels, h w positions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from search_spaces.hosts.host import Host, Unit, replace_among
from search_spaces.hosts.stem import conv_norm


class ConvolutionUnit(Unit):
    """A max-pool that halves the size, if the unit begins a stage, then 3x3, norm, ReLU, mixer.

    Args:
        inputs: Number of input channels.
        outputs: Number of output channels.
        pools: Whether the unit begins with a pool.
    """

    def __init__(self, inputs: int, outputs: int, *, pools: bool) -> None:
        super().__init__()
        pool = [halving_pool()] if pools else []
        self.path = nn.Sequential(*pool, *conv_norm(inputs, outputs, kernel=3), nn.ReLU(), nn.Identity())
        self.mixed = outputs

    @property
    def chain(self) -> nn.Sequential:
        """All layers of the unit."""
        return self.path

    def replace_mixer(self, make: Callable[[int], nn.Module]) -> None:
        """Puts a mixer behind the activation, before the next convolution."""
        self.path[-1] = make(self.mixed)

    def replace_convolutions(self, make: Callable[[nn.Conv2d], nn.Module]) -> None:
        """Replaces the unit's convolution."""
        replace_among(self.path, make)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c' h/2 w/2]`, rounded up, if the unit has a pool, else of the same size."""
        y: Tensor = self.path(x)
        return y


def halving_pool() -> nn.MaxPool2d:
    """A max-pool of 2x2 positions that rounds odd sides up, so that images of fewer than 32 pixels survive five of them."""
    return nn.MaxPool2d(2, ceil_mode=True)


def vgg16(
    *, stem_channels: int, stages: Sequence[Sequence[int]], stem_kernel: int, channels: int, classes: int
) -> Host:
    """The unchanged network. Its first convolution is the stem; pools are between the stages and after the last one.

    Source: Simonyan and Zisserman, arXiv 1409.1556, configuration D; for CIFAR with batch norm and one fully connected
        layer, as in
    section 3.4 of the thesis on rebuilt filters.

    Args:
        stem_channels: Number of outputs of the first convolution.
        stages: Number of outputs of each further convolution of each stage.
        stem_kernel: Kernel size of the first convolution, 1 or 3.
        channels: Number of channels of the images.
        classes: Number of classes.
    """
    stem = nn.Sequential(*conv_norm(channels, stem_channels, kernel=stem_kernel), nn.ReLU())
    built: list[list[nn.Module]] = []
    inputs = stem_channels
    for rows in stages:
        stage: list[nn.Module] = []
        for outputs in rows:
            stage.append(ConvolutionUnit(inputs, outputs, pools=bool(built) and not stage))
            inputs = outputs
        built.append(stage)
    return Host(stem=stem, stages=built, head=nn.Sequential(halving_pool()), features=inputs, classes=classes)
