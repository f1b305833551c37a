"""A whole training with learned groups, on a task small enough to be trained here."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from search_spaces import compact
from search_spaces.grouping.group_learning import GroupLearning
from search_spaces.grouping.learned_group_conv import GroupedBetweenShuffles, LearnedGroupConv2d


class Small(nn.Module):
    def __init__(self, target: float, step: float = 1e-2) -> None:
        super().__init__()
        self.first = LearnedGroupConv2d(nn.Conv2d(4, 16, 3, padding=1, bias=False))
        self.second = LearnedGroupConv2d(nn.Conv2d(16, 16, 3, stride=2, padding=1, bias=False))
        self.norm = nn.BatchNorm2d(16)
        self.classify = nn.Linear(16, 2)
        self.learning = GroupLearning([self.first, self.second], target=target, step=step)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.classify(torch.relu(self.norm(self.second(torch.relu(self.first(x))))).mean((2, 3)))
        return logits


def data(count: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    images = torch.randn(count, 4, 6, 6, generator=generator)
    return images, (images[:, 0].mean((1, 2)) > images[:, 1].mean((1, 2))).long()


def train(network: Small, first: int, last: int, epochs: int = 10) -> list[float]:
    images, labels = data()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    removed = []
    for epoch in range(first, last):
        network.learning.epoch_begins(epoch, epochs)
        for _ in range(5):
            optimizer.zero_grad()
            (F.cross_entropy(network(images), labels) + network.learning.penalty()).backward()
            optimizer.step()
        network.learning.epoch_ends(epoch, epochs)
        removed.append(network.learning.removed())
    return removed


@pytest.mark.parametrize("target", [0.3, 0.6, 0.99])
def test_the_groups_remove_what_is_asked_or_all_they_can_and_the_deployed_network_is_the_same(target: float) -> None:
    torch.manual_seed(0)
    network = Small(target)
    removed = train(network, 0, 10)
    most = 1 - (4 * 16 * 36 / 4 + 16 * 16 * 9 / 16) / (4 * 16 * 36 + 16 * 16 * 9)
    assert removed[-1] == pytest.approx(most) if target == 0.99 else target <= removed[-1] < most
    assert bool(network.first.frozen)
    assert removed[4:] == removed[4:5] * 6, "decided once, after four of ten epochs"
    images, labels = data()
    network.eval()
    deployed = compact(network)
    assert isinstance(deployed.second, GroupedBetweenShuffles)
    assert isinstance(deployed.learning, nn.Identity)
    torch.testing.assert_close(deployed(images), network(images), rtol=1e-5, atol=1e-5)
    assert (network(images).argmax(1) == labels).float().mean() > 0.7


def test_the_penalty_pulls_weights_into_the_blocks() -> None:
    shares = {}
    for step in (0.0, 1e-2):
        torch.manual_seed(0)
        network = Small(0.9, step)
        train(network, 0, 4)
        layer = network.second
        layer.rearrange(0.0)
        norms = layer.arrangement.of(layer.weight.detach().abs().sum((2, 3)))
        shares[step] = float(torch.block_diag(*[torch.ones(8, 8)] * 2).mul(norms).sum() / norms.sum())
    assert shares[1e-2] > shares[0.0] + 0.05


def test_a_copy_of_the_network_learns_its_own_groups() -> None:
    network = Small(0.6)
    other = copy.deepcopy(network)
    train(other, 0, 10)
    assert bool(other.first.frozen)
    assert not bool(network.first.frozen)


@pytest.mark.parametrize("stopped", [1, 3, 4, 7])
def test_a_training_goes_on_from_its_state_in_the_phase_in_which_it_stood(stopped: int) -> None:
    torch.manual_seed(0)
    whole = Small(0.6)
    begun = copy.deepcopy(whole)
    train(whole, 0, 10)
    train(begun, 0, stopped)
    resumed = Small(0.6)
    resumed.load_state_dict(begun.state_dict())
    train(resumed, stopped, 10)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value)
