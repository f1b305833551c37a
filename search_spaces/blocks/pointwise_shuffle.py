"""A static-dynamic shuffle that replaces a 1x1 convolution, square or rectangular."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from search_spaces.blocks.factors.static_dynamic_map import StaticDynamicMap


class PointwiseShuffle(StaticDynamicMap):
    """S_g M(x) x; see `StaticDynamicMap`. It has no norm of its own, since that of the replaced convolution follows.

    The static part preserves variance at first, as a convolution would: W1 from N(0, 1 / (i1 sqrt r)) and W2 from
    N(0, 1 / (i2 sqrt r)), by variance, so that each entry of their Kronecker sum over r terms has the variance 1 / (i1 i2).

    Source: arXiv 2310.02776, from the abstract (a replacement of ordinary 1x1 convolutions); the rectangular form is ours.
    """

    def initial_weight(self, rows: int, columns: int) -> Tensor:
        """Random initial weights of a static factor; see the class."""
        deviation = 1 / math.sqrt(columns * math.sqrt(self.kron_rank))
        return torch.empty(self.kron_rank, rows, columns).normal_(0.0, deviation)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b d h w]`."""
        return self.mixed(x)

    def deployed(self) -> nn.Module:
        """The deployed map. The norm that follows is folded elsewhere."""
        return self.deployed_map()
