from __future__ import annotations

import pytest
import torch

from search_spaces.blocks.permutations.channel_gather import gather_channels, scatter_channels

LAYOUTS = (torch.contiguous_format, torch.channels_last)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("maps", [1, 4])
def test_each_image_reads_by_its_own_map(maps: int, layout: torch.memory_format) -> None:
    x = torch.randn(4, 6, 3, 5).to(memory_format=layout)
    index_map = torch.randint(6, (maps, 6))
    y = gather_channels(x, index_map)
    for image in range(4):
        assert torch.equal(y[image], x[image, index_map[image % maps]])
    assert y.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("maps", [1, 4])
def test_scatter_is_the_adjoint_of_gather_when_rows_collide(maps: int, layout: torch.memory_format) -> None:
    x, y = (torch.randn(4, 6, 3, 5, dtype=torch.float64).to(memory_format=layout) for _ in range(2))
    index_map = torch.randint(3, (maps, 6))
    scattered = scatter_channels(y, index_map)
    torch.testing.assert_close((gather_channels(x, index_map) * y).sum(), (x * scattered).sum())
    assert scattered.is_contiguous(memory_format=layout)


def test_maps_of_one_position_work_in_both_layouts() -> None:
    x = torch.randn(4, 6, 1, 1)
    index_map = torch.randint(6, (4, 6))
    for layout in LAYOUTS:
        y = gather_channels(x.to(memory_format=layout), index_map)
        assert torch.equal(y[..., 0, 0], x[..., 0, 0].gather(1, index_map))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("channels", "entries"), [(6, 4), (4, 9)])
def test_a_map_may_have_fewer_or_more_entries_than_there_are_channels(
    channels: int, entries: int, layout: torch.memory_format
) -> None:
    x = torch.randn(4, channels, 3, 5, dtype=torch.float64).to(memory_format=layout)
    index_map = torch.randint(channels, (4, entries))
    y = gather_channels(x, index_map)
    for image in range(4):
        assert torch.equal(y[image], x[image, index_map[image]])
    weight = torch.randn_like(y)
    scattered = scatter_channels(weight, index_map, channels)
    assert scattered.shape == x.shape
    torch.testing.assert_close((y * weight).sum(), (x * scattered).sum())
    assert scattered.is_contiguous(memory_format=layout)
