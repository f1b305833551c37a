"""Which memory layout a feature map has, so that a block computes in it and hands it on.

A block that quietly goes back to the default layout costs a copy at the next convolution, and one more at every block after it.
"""

from __future__ import annotations

from torch import Tensor


def is_channels_last(x: Tensor) -> bool:
    """Whether the channels of a position of `float[b c h w]` lie side by side in memory.

    So they do in a part of the channels of a `b h w c` map too. False where both layouts are the same, as for 1x1 maps.
    """
    return x.stride(1) == 1 and x.shape[2] * x.shape[3] > 1 and not x.is_contiguous()
