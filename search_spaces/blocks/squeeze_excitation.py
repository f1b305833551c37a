"""The host's shuffle with squeeze-and-excitation, the usual kind of input dependence, as a baseline for shuffles.

Axes: b images, c channels, h w positions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.blocks.channel_shuffle import ChannelShuffle
from search_spaces.blocks.factors.precision import full_precision
from search_spaces.blocks.spec import hidden_width


class SqueezeExcitation(ChannelShuffle):
    """Scales channels by sigmoid(FC2(ReLU(FC1(pool(x))))), then shuffles as the host does. FC1 has a dynamic shuffle's width.

    With `neutral`, it scales by twice the sigmoid, and FC2 begins at zero, so that all gates begin at 1.

    Source: Hu et al., Squeeze-and-Excitation, CVPR 2018, arXiv 1709.01507.
    """

    def __init__(self, *, channels: int, host_groups: int, reduction: int, neutral: bool = False) -> None:
        super().__init__(channels, host_groups)
        self.squeeze = nn.Linear(channels, hidden_width(channels, reduction))
        self.excite = nn.Linear(self.squeeze.out_features, channels)
        self.largest = 2.0 if neutral else 1.0
        if neutral:
            nn.init.zeros_(self.excite.weight)
            nn.init.zeros_(self.excite.bias)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`."""
        return super().forward(excited(x, self.squeeze, self.excite, self.largest))

    def deployed(self) -> nn.Module:
        """The same block with the host's deployed shuffle."""
        return nn.Sequential(ChannelExcitation(self.squeeze, self.excite, self.largest), super().deployed())


class ChannelExcitation(nn.Module):
    """The scaling without the shuffle."""

    def __init__(self, squeeze: nn.Linear, excite: nn.Linear, largest: float) -> None:
        super().__init__()
        self.largest = largest
        self.squeeze = squeeze
        self.excite = excite

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`."""
        return excited(x, self.squeeze, self.excite, self.largest)


def excited(x: Tensor, squeeze: nn.Linear, excite: nn.Linear, largest: float) -> Tensor:
    """Channels scaled by largest * sigmoid(excite(ReLU(squeeze(pool(x))))), in float32 or better.

    Shape: `float[b c h w] -> float[b c h w]`.
    """
    pooled = x.mean((2, 3), dtype=squeeze.weight.dtype)
    with full_precision(x):
        scale = largest * torch.sigmoid(excite(torch.relu(squeeze(pooled))))
    return x * scale[:, :, None, None].to(x.dtype)
