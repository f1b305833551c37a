from __future__ import annotations

import pytest
import torch

from search_spaces.blocks.channel_shuffle import ChannelShuffle, channel_shuffle
from search_spaces.blocks.permutations.permutation import cross_group_shuffle

LAYOUTS = (torch.contiguous_format, torch.channels_last)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("groups", [1, 2, 3, 12])
def test_equals_torch_and_the_index_map_and_keeps_the_layout(groups: int, layout: torch.memory_format) -> None:
    x = torch.randn(2, 12, 5, 3).to(memory_format=layout)
    y = channel_shuffle(x, groups)
    assert torch.equal(y, torch.nn.ChannelShuffle(groups)(x.contiguous()))
    assert torch.equal(y, x[:, cross_group_shuffle(12, groups)])
    assert y.is_contiguous(memory_format=layout)


def test_one_group_leaves_channels_where_they_are() -> None:
    x = torch.randn(2, 12, 5, 3)
    assert torch.equal(ChannelShuffle(12, 1)(x), x)
