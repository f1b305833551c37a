"""A convolution with learned groups: what it penalizes, what is left when it is frozen, and its deployed form."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from search_spaces import compact
from search_spaces.grouping.hierarchy import inside, prices
from search_spaces.grouping.learned_group_conv import GroupedBetweenShuffles, LearnedGroupConv2d


def learned(inputs: int = 8, outputs: int = 16, kernel: int = 3, stride: int = 1, seed: int = 0) -> LearnedGroupConv2d:
    torch.manual_seed(seed)
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return LearnedGroupConv2d(convolution)


def test_before_anything_is_learned_it_is_the_dense_convolution() -> None:
    convolution = nn.Conv2d(4, 8, 3, 2, 1, bias=False)
    x = torch.randn(2, 4, 7, 7)
    assert torch.equal(LearnedGroupConv2d(convolution)(x), convolution(x))
    for wrong in (nn.Conv2d(4, 8, 1), nn.Conv2d(4, 8, 1, groups=2, bias=False)):
        with pytest.raises(ValueError, match="dense convolutions without bias"):
            LearnedGroupConv2d(wrong)


def test_the_penalty_is_the_price_of_each_weight_at_its_place() -> None:
    layer = learned(4, 4, kernel=1)
    norms = layer.weight.detach().abs()[:, :, 0, 0]
    torch.testing.assert_close(layer.penalty(), (norms * prices(4, 4, levels=1)).sum().float())
    layer.rearrange(kept_share=0.0)
    assert int(layer.level) == 3
    ordered = norms[layer.row_order][:, layer.column_order]
    torch.testing.assert_close(layer.penalty(), (ordered * prices(4, 4)).sum().float())


def test_its_gradient_is_the_sign_at_the_price() -> None:
    layer = learned(4, 8)
    layer.rearrange(kept_share=0.5)
    layer.penalty().backward()
    assert layer.weight.grad is not None
    ordered = layer.arrangement.of(layer.weight.grad)
    price = prices(8, 4, levels=int(layer.level)).float()[:, :, None, None]
    torch.testing.assert_close(ordered, layer.arrangement.of(layer.weight.detach()).sign() * price)


def test_rearranging_lowers_the_penalty_and_a_second_time_changes_nothing() -> None:
    layer = learned(16, 32)
    layer.rearrange(kept_share=0.0)
    first = layer.arrangement
    assert (layer.arrangement.of(layer.weight.detach().abs().sum((2, 3))) * prices(32, 16)).sum() < (
        layer.weight.detach().abs().sum((2, 3)) * prices(32, 16)
    ).sum()
    layer.rearrange(kept_share=0.0)
    assert layer.arrangement.rows.equal(first.rows)
    assert layer.arrangement.columns.equal(first.columns)


@pytest.mark.parametrize("level", [1, 2, 3, 4])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [1, 3])
def test_frozen_masked_and_grouped_are_one_function(level: int, stride: int, kernel: int) -> None:
    layer = learned(kernel=kernel, stride=stride)
    layer.rearrange(kept_share=0.0)
    layer.freeze(level)
    x = torch.randn(3, 8, 9, 9)
    masked = layer(x)
    dense = layer.weight * layer.arrangement.undone(inside(16, 8, level).float())[:, :, None, None]
    torch.testing.assert_close(masked, nn.functional.conv2d(x, dense, None, stride, kernel // 2))
    deployed = compact(layer)
    assert isinstance(deployed, GroupedBetweenShuffles)
    assert deployed[1].groups == 2 ** (level - 1)
    torch.testing.assert_close(deployed(x), masked, rtol=1e-5, atol=1e-5)
    grouped = nn.Conv2d(8, 16, kernel, stride, kernel // 2, groups=2 ** (level - 1), bias=False)
    assert layer.deployed_parameters() == sum(p.numel() for p in grouped.parameters())
    out = grouped(x)
    assert layer.multiply_adds(tuple(x.shape)) == grouped.weight.numel() * out.shape[2] * out.shape[3]


def test_weights_outside_of_the_blocks_stay_zero_in_effect_while_it_is_trained_on() -> None:
    layer = learned()
    layer.rearrange(kept_share=0.0)
    layer.freeze(3)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        layer(torch.randn(2, 8, 5, 5)).square().mean().backward()
        optimizer.step()
    x = torch.randn(2, 8, 5, 5)
    torch.testing.assert_close(compact(layer)(x), layer(x), rtol=1e-5, atol=1e-5)


def test_orders_level_and_freezing_are_in_the_state() -> None:
    layer = learned()
    layer.rearrange(kept_share=0.0)
    layer.freeze(3)
    other = learned(seed=1)
    other.load_state_dict(copy.deepcopy(layer.state_dict()))
    x = torch.randn(2, 8, 5, 5)
    assert torch.equal(other(x), layer(x))
    assert torch.equal(other.penalty(), layer.penalty())


def test_a_deployed_state_with_other_groups_is_taken_as_it_is() -> None:
    layer = learned()
    layer.rearrange(kept_share=0.0)
    layer.freeze(3)
    trained = compact(layer)
    fresh = compact(learned(seed=1))
    fresh.load_state_dict(trained.state_dict())
    x = torch.randn(2, 8, 5, 5)
    assert torch.equal(fresh(x), trained(x))


def test_it_can_be_made_and_counted_without_being_computed() -> None:
    with torch.device("meta"):
        layer = LearnedGroupConv2d(nn.Conv2d(8, 16, 3, padding=1, bias=False))
        deployed = compact(layer)
        y: Tensor = deployed(torch.empty(1, 8, 5, 5))
    assert y.shape == (1, 16, 5, 5)


def chain(seed: int, level: int) -> nn.Sequential:
    first, second = learned(8, 16, seed=seed), learned(16, 16, seed=seed + 1)
    network = nn.Sequential(first, nn.BatchNorm2d(16), nn.ReLU(), nn.Identity(), second, nn.BatchNorm2d(16))
    for layer in (first, second):
        layer.rearrange(kept_share=0.0)
        layer.freeze(level)
    network(torch.randn(16, 8, 5, 5) * 3 + 1)
    for norm in (network[1], network[5]):
        assert isinstance(norm, nn.BatchNorm2d)
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    return network.eval()


def test_orders_of_neighbours_are_merged_and_norms_are_folded_through_them() -> None:
    network = chain(0, level=3)
    deployed = compact(network)
    assert [type(part).__name__ for part in deployed.children()] == [
        "ChannelGather", "SizedGroupConv2d", "ReLU", "ChannelGather", "SizedGroupConv2d", "ChannelGather",
    ]  # fmt: skip
    x = torch.randn(4, 8, 5, 5)
    torch.testing.assert_close(deployed(x), network(x), rtol=1e-4, atol=1e-5)
    other = compact(chain(7, level=2))
    other.load_state_dict(deployed.state_dict())
    assert torch.equal(other(x), deployed(x))


def test_orders_are_not_merged_over_what_is_not_elementwise() -> None:
    first, second = learned(8, 16), learned(16, 16)
    network = nn.Sequential(first, nn.AvgPool2d(2), second).eval()
    assert sum(type(part).__name__ == "ChannelGather" for part in compact(network).children()) == 4
    x = torch.randn(2, 8, 6, 6)
    torch.testing.assert_close(compact(network)(x), network(x), rtol=1e-4, atol=1e-5)
