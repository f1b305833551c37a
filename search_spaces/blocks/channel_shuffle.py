"""ShuffleNet's own channel shuffle, which does not learn.

Axes: b images, c = g n channels, h w positions.
"""

from __future__ import annotations

from torch import Tensor, nn

from module_protocols import Counted
from search_spaces.blocks.deployed.deployable import Deployable
from search_spaces.blocks.permutations.layout import is_channels_last


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """`b (g n) h w -> b (n g) h w`, in the memory layout of the input.

    Source: Zhang et al., ShuffleNet, arXiv 1707.01083, section 3.1.
    """
    b, c, h, w = x.shape
    if is_channels_last(x):
        rows = x.permute(0, 2, 3, 1).reshape(b, h, w, groups, c // groups)
        return rows.transpose(3, 4).reshape(b, h, w, c).permute(0, 3, 1, 2)
    return x.reshape(b, groups, c // groups, h, w).transpose(1, 2).reshape(b, c, h, w)


class ChannelShuffle(nn.Module, Counted, Deployable):
    """The host's shuffle over `groups` groups; for one group it is the identity."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.channels = channels
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`."""
        return channel_shuffle(x, self.groups) if self.groups > 1 else x

    def deployed(self) -> nn.Module:
        """Torch's own channel shuffle, which is fastest in both memory layouts, or an identity."""
        return nn.ChannelShuffle(self.groups) if 1 < self.groups < self.channels else nn.Identity()

    def extra_repr(self) -> str:
        """The sizes that `repr` shows."""
        return f"channels={self.channels}, groups={self.groups}"

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """0, since values are moved, not computed."""
        return 0

    def deployed_parameters(self) -> int:
        """0, since the shuffle has no parameters."""
        return 0
