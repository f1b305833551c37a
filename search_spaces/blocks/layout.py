"""Which memory layout a feature map has, so that a block computes in it and hands it on.

A block that quietly goes back to the default layout costs a copy at the next convolution, and one more at every block after it.
"""

from __future__ import annotations

import torch
from torch import Tensor


def is_channels_last(x: Tensor) -> bool:
    """Whether `float[b c h w]` lies in memory as `b h w c`; false where both layouts are the same, as for 1x1 maps."""
    return x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
