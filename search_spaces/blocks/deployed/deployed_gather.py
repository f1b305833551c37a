"""Deployed permutations: channels are read by an index map that is stored, or made for each image.

Axes: b images, c channels, g groups, o1 i1 and o2 i2 rows and columns of the factors, h w positions.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.blocks.factors.factor_rows import RowGenerator
from search_spaces.blocks.permutations.channel_gather import gather_channels
from search_spaces.blocks.permutations.permutation import joined_map


class ChannelGather(nn.Module):
    """Output channel i is input channel map[i], for all images. If the map is the identity, nothing is done.

    Args:
        index_map: The map, `int[d]`, kept as a buffer.
    """

    index_map: Tensor

    def __init__(self, index_map: Tensor) -> None:
        super().__init__()
        self.register_buffer("index_map", index_map)
        self.is_identity = is_identity(index_map)
        self.register_load_state_dict_post_hook(_look_again)  # type: ignore[no-untyped-call]

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b d h w]`."""
        return x if self.is_identity else gather_channels(x, self.index_map[None])

    def extra_repr(self) -> str:
        """The sizes that `repr` shows."""
        return f"channels={len(self.index_map)}, is_identity={self.is_identity}"


def is_identity(index_map: Tensor) -> bool:
    """Whether each channel of `int[c]` reads itself; False on the meta device, where it cannot be known."""
    return not index_map.is_meta and index_map.tolist() == list(range(len(index_map)))


def _look_again(module: nn.Module, incompatible_keys: Any) -> None:
    """Called after other maps were loaded."""
    assert isinstance(module, ChannelGather)
    module.is_identity = is_identity(module.index_map)


class GeneratedGather(nn.Module):
    """S_g (I_g (x) P1(x) (x) P2(x)) as an index map made for each image.

    Args:
        rows: Gives the hard rows of both factors.
        groups: Number of groups, g.
    """

    offsets: Tensor

    def __init__(self, rows: RowGenerator, groups: int) -> None:
        super().__init__()
        self.rows = rows
        # It follows from the sizes, so it is made with the module and not part of its state.
        first_channels = torch.arange(groups, device=rows.squeeze.weight.device) * (rows.outer[1] * rows.inner[1])
        self.register_buffer("offsets", first_channels, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b (g i1 i2) h w] -> float[b (o1 o2 g) h w]`."""
        outer, inner = self.rows(x)
        return gather_channels(x, joined_map(outer, inner, self.rows.inner[1], self.offsets))

    def extra_repr(self) -> str:
        """The sizes that `repr` shows."""
        return f"groups={len(self.offsets)}"
