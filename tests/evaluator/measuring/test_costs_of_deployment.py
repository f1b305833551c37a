"""What a compacted network costs, beside the objectives of its candidate."""

import random

import pytest
from torch import nn

from evaluator.measuring.cost import count_cost
from search_spaces import SPACES, compact, make_space, space_settings
from search_spaces.blocks import BLOCKS, GENERATED, GeneratorSpec, MixerSpec
from search_spaces.blocks.deployed.channel_affine import ChannelAffine
from search_spaces.blocks.spec import SHARES
from tests.search_spaces.any_space import published_units
from tests.search_spaces.genotypes import draw


def folded_channels(model: nn.Module, network: nn.Module) -> int:
    """Channels of the norms that are no longer there as a scale and a shift."""
    normed = sum(module.num_features for module in model.modules() if isinstance(module, nn.BatchNorm2d))
    return normed - sum(len(module.scale) for module in network.modules() if isinstance(module, ChannelAffine))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", sorted(SPACES))
def test_macs_are_the_objectives_and_params_are_less_by_one_for_each_channel_normed_after_a_convolution(
    name: str, seed: int
) -> None:
    settings = space_settings(
        name=name,
        mixers=tuple(BLOCKS),
        units=((1, 2),) * len(published_units(name)),
        sum_levels=("full", "factor"),
    )
    space = make_space(settings, image_size=16, channels=3, classes=5)
    model: nn.Module = space.build(space.decode(draw(space, random.Random(seed))))
    network = compact(model)
    objective, deployed = (count_cost(each, (1, 3, 16, 16)) for each in (model, network))
    assert deployed.macs == objective.macs
    folded = folded_channels(model, network)
    assert folded > 0
    assert deployed.params == objective.params - folded
    assert deployed.params == sum(parameter.numel() for parameter in network.parameters())
    on_meta = compact(model.to("meta"))
    assert on_meta.state_dict().keys() == network.state_dict().keys()
    assert count_cost(on_meta, (1, 3, 16, 16)) == deployed


def block(kind: str, generator: GeneratorSpec) -> nn.Module:
    return BLOCKS[kind](MixerSpec(channels=36, host_groups=2, groups=3, n1=3, n2=4, generator=generator, kron_rank=2))


@pytest.mark.parametrize("kind", GENERATED)
def test_a_generator_with_a_constant_input_costs_nothing_when_deployed(kind: str) -> None:
    """What is left of a static-dynamic shuffle is its static matrix, 12x12 in each of three groups, and its norm.

    Two terms of 3x3 and 4x4 would take 2 (3 + 4) multiply-adds a channel and position where the matrix takes 12.
    """
    deployed = count_cost(compact(block(kind, GeneratorSpec(source="constant"))), (1, 36, 5, 5))
    matrix = (36 * 25 * 12, 3 * 12 * 12 + 2 * 36)
    assert (deployed.macs, deployed.params) == ((0, 0) if kind == "dynamic" else matrix)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("kind", GENERATED)
def test_standardization_costs_two_parameters_an_input_where_it_cannot_be_folded(kind: str, share: str) -> None:
    model = block(kind, GeneratorSpec(reduction=4, share=share, standardize=True))
    trained, deployed = (count_cost(each, (1, 36, 5, 5)) for each in (model, compact(model)))
    assert deployed.macs == trained.macs
    assert deployed.params - trained.params == (2 * 36 if share == "generator" else 0)


def test_a_network_of_hand_counted_cost() -> None:
    """A 3x3 convolution from 2 to 4 channels with its norm, on 5x5 positions."""
    model = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU())
    trained, deployed = (count_cost(each, (1, 2, 5, 5)) for each in (model, compact(model)))
    assert trained.macs == deployed.macs == 2 * 4 * 9 * 25
    assert (trained.params, deployed.params) == (2 * 4 * 9 + 4 + 4, 2 * 4 * 9 + 4)
