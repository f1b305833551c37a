"""Strided 1x1 convolutions, whose gradient a library computes wrongly if few channels are read.

oneDNN 3.12, which torch 2.13 contains, writes out of bounds on CPUs with AVX2 alone in the gradient of the weights of
such a convolution with fewer than 8 inputs and one group, in channels_last. With one thread memory is destroyed, with
two the gradient is wrong: https://github.com/uxlfoundation/oneDNN/issues/6035. With AVX-512 no fault was seen from 1 to
32 inputs. This file can be removed when the fault is fixed in every version of torch that pyproject.toml allows.

Axes: b images, c channels in, d channels out, h w positions, s stride.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.blocks.deployed.deployable import Deployable

VECTOR = 16
"""From so many inputs on, the convolution is left unchanged; to be safe, it is the number in a vector of AVX-512. With many
inputs, selecting positions first would be 1.1 to 1.5 times slower.
"""


def conv2d(x: Tensor, weight: Tensor, *, stride: tuple[int, ...], **geometry: Any) -> Tensor:
    """`torch.nn.functional.conv2d` without bias, `float[b c h w], float[d c/groups k k] -> float[b d h' w']`.

    For a strided 1x1 convolution that reads few channels, it selects every s-th position first and then convolves at stride
    1, which is the same function.
    """
    few = weight.shape[1] < VECTOR and tuple(weight.shape[2:]) == (1, 1)
    if few and tuple(stride) != (1, 1) and not any(geometry.get("padding", (0,))):
        vertical, horizontal = stride
        x, stride = x[:, :, ::vertical, ::horizontal], (1, 1)
    return F.conv2d(x, weight, stride=stride, **geometry)


class StridedPointwise(nn.Conv2d, Deployable):
    """A strided 1x1 convolution without padding or bias, trained by `conv2d`; its name and state are those of an `nn.Conv2d`.

    Args:
        inputs: Number of input channels.
        outputs: Number of output channels.
        stride: Stride, s.
        groups: Number of groups of channels.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int, groups: int = 1) -> None:
        super().__init__(inputs, outputs, 1, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b d h/s w/s]`, rounded up."""
        return conv2d(x, self.weight, stride=self.stride, groups=self.groups)

    def deployed(self) -> nn.Module:
        """The plain convolution, whose forward pass is correct on every machine."""
        plain = nn.Conv2d(
            self.in_channels, self.out_channels, 1, self.stride[0], groups=self.groups, bias=False, device="meta"
        )
        plain.weight = self.weight
        return plain.eval()
