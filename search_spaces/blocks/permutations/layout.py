"""The memory layout of a feature map, so that a block computes in it and keeps it.

A block that silently returns to the default layout costs a copy at the next convolution, and another at every later block.
"""

from __future__ import annotations

from torch import Tensor


def is_channels_last(x: Tensor) -> bool:
    """Whether the channels of a position of `float[b c h w]` are adjacent in memory.

    This also holds for some of the channels of a `b h w c` map. It is False if both layouts are the same, as for 1x1 maps.
    """
    return x.stride(1) == 1 and x.shape[2] * x.shape[3] > 1 and not x.is_contiguous()
