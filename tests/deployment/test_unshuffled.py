"""The network without permutations answers as before, with no more multiply-adds, and says what it still moves."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from deployment.unshuffled import unshuffled
from nas.errors import DeploymentError
from search_spaces import SPACES, compact
from search_spaces.blocks import BLOCKS, GeneratorSpec, MixerSpec
from search_spaces.blocks.deployed.deployed_gather import ChannelGather
from search_spaces.hosts.host import Host
from tests.deployment.networks import OneStage, moves, multiply_adds, operations, published
from tests.search_spaces.members import members, whole_space
from tests.search_spaces.perturbation import perturb

ROUNDING = 1e-5
"""Largest difference, as a share of the largest output."""


def assert_the_same(one: nn.Module, other: nn.Module, images: Tensor) -> None:
    with torch.inference_mode():
        found, expected = one(images), other(images)
    assert expected.std(0).max() > 0, "a network whose answers are constant shows nothing"
    torch.testing.assert_close(found, expected, rtol=0, atol=ROUNDING * float(expected.abs().max()))
    assert multiply_adds(one, images) <= multiply_adds(other, images)


def chain(*modules: nn.Module) -> nn.Module:
    """A network of these modules, with a classifier that tells channels apart."""
    torch.manual_seed(0)
    return perturb(nn.Sequential(*modules, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 5))).eval()


def gather(*places: int) -> ChannelGather:
    return ChannelGather(torch.tensor(places))


SHUFFLED = list(range(23, -1, -1))
DENSE = "absorbed"


@pytest.mark.parametrize(
    "between",
    [
        lambda: (nn.ChannelShuffle(4),),
        lambda: (gather(*SHUFFLED), nn.ReLU(), nn.ChannelShuffle(3)),
        lambda: (gather(*SHUFFLED), nn.Conv2d(24, 24, 3, groups=24), nn.Hardswish(), nn.ChannelShuffle(2)),
        lambda: (gather(*SHUFFLED), nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2)),
        lambda: (nn.ChannelShuffle(4), nn.Conv2d(24, 24, 3, groups=4)),
        lambda: (nn.Conv2d(24, 24, 3, groups=2), nn.ChannelShuffle(2)),
    ],
)
@pytest.mark.parametrize("kernel", [1, 3])
def test_a_permutation_before_a_dense_convolution_vanishes(
    kernel: int, between: Callable[[], tuple[nn.Module, ...]], one_thread: None
) -> None:
    network = chain(nn.Conv2d(3, 24, 1), *between(), nn.Conv2d(24, 24, kernel, padding=kernel // 2))
    images = torch.randn(5, 3, 16, 16)
    found = unshuffled(network, images)
    assert_the_same(found.network, network, images)
    assert multiply_adds(found.network, images) == multiply_adds(network, images)
    assert (moves(found.network), operations(found.network)["slice"], found.left) == (0, 0, ())


def test_a_map_that_reads_channels_twice_becomes_sums_of_columns(one_thread: None) -> None:
    network = chain(nn.Conv2d(3, 24, 1), gather(*[0, 0, 5] * 8), nn.Conv2d(24, 24, 1))
    images = torch.randn(5, 3, 8, 8)
    found = unshuffled(network, images)
    assert_the_same(found.network, network, images)
    assert found.left == ()
    assert multiply_adds(found.network, images) < multiply_adds(network, images)


def test_groups_that_read_from_several_groups_are_named(one_thread: None) -> None:
    network = chain(nn.Conv2d(24, 24, 1, groups=6), nn.ChannelShuffle(6), nn.Conv2d(24, 24, 1, groups=4))
    images = torch.randn(5, 24, 8, 8)
    found = unshuffled(network, images)
    assert_the_same(found.network, network, images)
    assert [(each.place, each.operation) for each in found.left] == [("2", "gather")]
    assert moves(found.network) == 1


class Shuffled(nn.Module):
    """A sum whose terms are in different orders, which a single order cannot serve."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 24, 1)
        self.shuffle = nn.ChannelShuffle(4)
        self.classifier = nn.Linear(24, 5)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.first(x))
        logits: Tensor = self.classifier((y + self.shuffle(y)).mean((2, 3)))
        return logits


def test_a_sum_with_its_own_shuffle_keeps_one_gather(one_thread: None) -> None:
    network, images = Shuffled().eval(), torch.randn(5, 3, 8, 8)
    found = unshuffled(network, images)
    assert_the_same(found.network, network, images)
    assert len(found.left) == moves(found.network) == 1


@pytest.mark.parametrize("count", [1, 7])
def test_any_number_of_images_is_taken(count: int, one_thread: None) -> None:
    network = OneStage(published("shufflenet_v2")).eval()
    found = unshuffled(network, torch.zeros(2, 3, 16, 16))
    images = torch.randn(count, 3, 16, 16)
    torch.testing.assert_close(found.network(images), network(images))


@pytest.mark.parametrize("name", sorted(SPACES))
def test_one_stage_of_each_published_network(name: str, one_thread: None) -> None:
    network, images = OneStage(published(name)).eval(), torch.randn(6, 3, 16, 16)
    found = unshuffled(network, images)
    assert_the_same(found.network, network, images)
    assert multiply_adds(found.network, images) == multiply_adds(network, images)
    assert moves(found.network) == len(found.left)
    assert (name == "shufflenet_v1") == (found.left != ())


def test_the_fixed_shufflenet_v2_moves_nothing_but_slices(one_thread: None) -> None:
    network = compact(published("shufflenet_v2"))
    assert sum(isinstance(module, nn.ChannelShuffle) for module in network.modules()) == 16
    images = torch.randn(6, 3, 16, 16)
    found = unshuffled(network, images)
    assert_the_same(found.network, network, images)
    assert multiply_adds(found.network, images) == multiply_adds(network, images)
    assert (moves(found.network), found.left) == (0, ())


@pytest.mark.parametrize("kind", sorted(BLOCKS))
def test_every_mixer_between_convolutions(kind: str, one_thread: None) -> None:
    spec = MixerSpec(
        channels=24, host_groups=2, groups=2, n1=3, n2=4, generator=GeneratorSpec(reduction=4), kron_rank=2
    )
    network = compact(chain(nn.Conv2d(3, 24, 1), nn.ReLU(), BLOCKS[kind](spec), nn.ReLU(), nn.Conv2d(24, 24, 1)))
    images = torch.randn(9, 3, 8, 8)
    if kind == "random_each":
        with pytest.raises(DeploymentError, match="has no graph"):
            unshuffled(network, images)
        return
    found = unshuffled(network, images)
    assert_the_same(found.network, network, images)
    if kind in ("none", "fixed", "random", "squeeze_excitation", "static", "static_full"):
        assert (moves(found.network), found.left) == (0, ())
    if kind == "dynamic":
        assert "its index is made from each image" in {each.why for each in found.left}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SPACES))
def test_every_kind_and_mixer_of_every_space_on_a_thousand_images(name: str, one_thread: None) -> None:
    space = whole_space(name, image_size=16)
    images = torch.randn(1000, 3, 16, 16)
    for what, candidate in members(space, random.Random(1)):
        if "random_each" in what:
            continue
        torch.manual_seed(0)
        model = perturb(space.build(candidate), 0.1).eval()
        assert isinstance(model, Host)
        network = OneStage(model).eval()
        found = unshuffled(network, images[:2])
        with torch.inference_mode():
            expected, answered = network(images), found.network(images)
        # Where two logits of a generated permutation are equal up to rounding, an image may get another permutation.
        close = ((answered - expected).abs() <= ROUNDING * expected.abs().max()).all(1).float().mean()
        assert close >= 0.995, what
        assert multiply_adds(found.network, images[:2]) <= multiply_adds(network, images[:2]), what
