"""Shuffles that are drawn at random and not learned, which a learned shuffle must beat.

Axes: b images, c channels, h w positions.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from module_protocols import Counted
from search_spaces.blocks.deployed.deployable import Deployable
from search_spaces.blocks.deployed.deployed_gather import ChannelGather
from search_spaces.blocks.permutations.channel_gather import gather_channels
from search_spaces.blocks.permutations.permutation import shuffle_map

EVALUATION_SEED = 0


class RandomShuffle(nn.Module, Counted, Deployable):
    """One permutation of all channels, which is drawn when the block is made, and kept."""

    index_map: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.register_buffer("index_map", torch.randperm(channels))

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`."""
        return gather_channels(x, self.index_map[None])

    def extra_repr(self) -> str:
        """The sizes that `repr` shows."""
        return f"channels={self.channels}"

    def deployed(self) -> nn.Module:
        """A gather with the index map."""
        return ChannelGather(self.index_map)

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """0, since values are moved, not computed."""
        return 0

    def deployed_parameters(self) -> int:
        """0, since an index map has no parameters."""
        return 0


class RandomEachShuffle(nn.Module, Counted, Deployable):
    """S_g (I_g (x) P1 (x) P2) with random permutations per image: valid and different, but not based on the image's content.

    In training they come from torch's generator; in evaluation from one with a fixed seed, so that evaluations can be repeated.
    """

    def __init__(self, *, groups: int, n1: int, n2: int) -> None:
        super().__init__()
        self.groups = groups
        self.n1 = n1
        self.n2 = n2

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`."""
        drawn = self.training or x.is_meta  # the meta device has no generators
        generator = None if drawn else torch.Generator(x.device).manual_seed(EVALUATION_SEED)
        outer, inner = (
            torch.rand(len(x), 1, n, generator=generator, device=x.device).argsort(-1) for n in (self.n1, self.n2)
        )
        return gather_channels(x, shuffle_map(outer, inner, self.groups))

    def deployed(self) -> nn.Module:
        """The same block, always in evaluation mode."""
        return EvaluatedRandomEachShuffle(groups=self.groups, n1=self.n1, n2=self.n2)

    def extra_repr(self) -> str:
        """The sizes that `repr` shows."""
        return f"groups={self.groups}, n1={self.n1}, n2={self.n2}"

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """0, since values are moved, not computed."""
        return 0

    def deployed_parameters(self) -> int:
        """0, since the block has no parameters."""
        return 0


class EvaluatedRandomEachShuffle(RandomEachShuffle):
    """A `RandomEachShuffle` that always draws as in evaluation."""

    def __init__(self, *, groups: int, n1: int, n2: int) -> None:
        super().__init__(groups=groups, n1=n1, n2=n2)
        self.eval()

    def train(self, mode: bool = True) -> Self:
        """Keeps the block in evaluation mode."""
        return super().train(False)
