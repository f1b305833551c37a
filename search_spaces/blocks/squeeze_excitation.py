"""The host's shuffle with squeeze-and-excitation: input dependence of the usual kind, against which shuffles are judged.

Axes: b images, c channels, h w positions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.blocks.channel_shuffle import ChannelShuffle
from search_spaces.blocks.precision import full_precision, sum_dtype
from search_spaces.blocks.spec import hidden_width


class SqueezeExcitation(ChannelShuffle):
    """Channels scaled by sigmoid(FC2(ReLU(FC1(pool(x))))), then the host's shuffle; FC1 as wide as a dynamic shuffle's.

    Source: Hu et al., Squeeze-and-Excitation, CVPR 2018, arXiv 1709.01507.
    """

    def __init__(self, *, channels: int, host_groups: int, reduction: int) -> None:
        super().__init__(channels, host_groups)
        self.squeeze = nn.Linear(channels, hidden_width(channels, reduction))
        self.excite = nn.Linear(self.squeeze.out_features, channels)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`."""
        pooled = x.mean((2, 3), dtype=sum_dtype(x))
        with full_precision(pooled):
            scale = torch.sigmoid(self.excite(torch.relu(self.squeeze(pooled))))
        return super().forward(x * scale[:, :, None, None].to(x.dtype))
