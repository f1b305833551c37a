"""1x1 convolutions with a stride, whose gradient a library computes wrongly where few channels are read.

oneDNN 3.12, which torch 2.13 contains, writes out of bounds on CPUs with AVX2 alone in the gradient of the weights of
such a convolution with fewer than 8 inputs and one group, in channels_last. With one thread memory is destroyed, with
two the gradient is wrong: https://github.com/uxlfoundation/oneDNN/issues/6035. With AVX-512 no fault was seen from 1 to
32 inputs. This file may go when every torch that pyproject.toml allows has the fault mended.

Axes: b images, c channels in, d channels out, h w positions, s stride.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.blocks.deployed.deployable import Deployable

VECTOR = 16
"""Inputs from which on the convolution is left as it is, to be safe those of a vector of AVX-512. Where there are many,
taking positions first would be 1.1 to 1.5 times slower."""


def conv2d(x: Tensor, weight: Tensor, *, stride: tuple[int, ...], **geometry: Any) -> Tensor:
    """`torch.nn.functional.conv2d` without bias, `float[b c h w], float[d c/groups k k] -> float[b d h' w']`.

    A strided 1x1 convolution that reads few channels takes every s-th position first and then convolves at stride 1,
    which is the same function.
    """
    few = weight.shape[1] < VECTOR and tuple(weight.shape[2:]) == (1, 1)
    if few and tuple(stride) != (1, 1) and not any(geometry.get("padding", (0,))):
        vertical, horizontal = stride
        x, stride = x[:, :, ::vertical, ::horizontal], (1, 1)
    return F.conv2d(x, weight, stride=stride, **geometry)


class StridedPointwise(nn.Conv2d, Deployable):
    """A strided 1x1 convolution without padding or bias, trained by `conv2d`; named and stored as an `nn.Conv2d`.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        stride: s.
        groups: Of channels.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int, groups: int = 1) -> None:
        super().__init__(inputs, outputs, 1, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b d h/s w/s]`, rounded up."""
        return conv2d(x, self.weight, stride=self.stride, groups=self.groups)

    def deployed(self) -> nn.Module:
        """The plain convolution: its forward pass is right everywhere."""
        plain = nn.Conv2d(
            self.in_channels, self.out_channels, 1, self.stride[0], groups=self.groups, bias=False, device="meta"
        )
        plain.weight = self.weight
        return plain.eval()
