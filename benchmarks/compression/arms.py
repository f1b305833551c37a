"""The networks that are compared, made from the name of an arm, a target and earlier trainings.

Every arm ends after the same number of epochs over the same images: half of them for the dense network and half for its
compression, or all of them for one network from the beginning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from evaluator.measuring.cost import count_cost
from search_spaces import compact
from search_spaces.blocks.permutations.permutation import cross_group_shuffle
from search_spaces.grouping.conversion import learn_groups
from search_spaces.grouping.group_learning import GroupLearning
from search_spaces.grouping.hierarchy import groups_at
from search_spaces.grouping.learned_group_conv import LearnedGroupConv2d
from search_spaces.hosts.host import Host
from search_spaces.hosts.resnet_basic import resnet_basic
from search_spaces.reconstruction.pruning import FilterPruning, rebuild_filters

LEAST_TEMPLATES = 2
"""Least number of templates of a convolution with rebuilt filters; 8 in the thesis, for networks of at least twice the width."""
BISECTIONS = 8
UNITS = 3
"""Number of units of a stage, as in ResNet-20."""
INPUT = (1, 3, 32, 32)
CLASSES = 10
ORDERS = ("relearned", "shuffled", "unshuffled", "random")
"""Channel orders for the groups that were learned: the learned orders, ShuffleNet's shuffle before each convolution, none, a
random one.
"""


@dataclass(frozen=True, slots=True)
class Arm:
    """One kind of network."""

    name: str
    """Name of the arm: dense, continued, learned, rebuilt, uniform, or one of `ORDERS`."""
    target: float = 0.0
    """Share of the multiply-adds to remove."""

    def __str__(self) -> str:
        return f"{self.name}-{round(100 * self.target)}" if self.target else self.name

    @property
    def goes_on(self) -> bool:
        """Whether it begins with the dense network's weights."""
        return self.name in ("continued", "learned", "rebuilt")

    @property
    def follows(self) -> Arm | None:
        """The arm of the same seed whose training must have ended before."""
        if self.goes_on:
            return Arm("dense")
        return Arm("learned", self.target) if self.name in (*ORDERS, "uniform") else None


def network(channels: tuple[int, int, int]) -> Host:
    """A dense ResNet-20."""
    return resnet_basic(stage_channels=channels, units=(UNITS,) * 3, channels=INPUT[1], classes=CLASSES)


def build(arm: Arm, channels: tuple[int, int, int], earlier: Path | None, step: float) -> Host:
    """The network of an arm, with torch's current seed.

    Args:
        arm: The arm.
        channels: Number of channels of each stage of the dense network.
        earlier: Weights of the arm that it follows.
        step: Step by which the penalty's weight changes per epoch.
    """
    state: Mapping[str, torch.Tensor] = {} if earlier is None else torch.load(earlier, weights_only=True)
    if arm.name == "uniform":
        return network(uniform_channels(channels, learned_macs(arm, channels, state, step)))
    host = network(channels)
    if arm.goes_on:
        host.load_state_dict(state)
    if arm.name == "learned":
        return learn_groups(host, target=arm.target, step=step)
    if arm.name == "rebuilt":
        share = share_that_removes(arm.target, channels, state)
        return rebuild_filters(host, share=share, least_templates=LEAST_TEMPLATES)
    if arm.name in ORDERS:
        return grouped(learn_groups(host, target=arm.target), state, arm.name)
    return host


def grouped(host: Host, state: Mapping[str, torch.Tensor], order: str) -> Host:
    """A network with fresh weights in the groups that another one has learned, its channels in some order."""
    for name, module in host.named_modules():
        if isinstance(module, LearnedGroupConv2d):
            m, n = module.weight.shape[:2]
            level = int(state[f"{name}.level"])
            if order == "relearned":
                module.row_order.copy_(state[f"{name}.row_order"])
                module.column_order.copy_(state[f"{name}.column_order"])
            elif order == "shuffled":
                module.column_order.copy_(cross_group_shuffle(n, groups_at(level)))
            elif order == "random":
                module.row_order.copy_(torch.randperm(m))
                module.column_order.copy_(torch.randperm(n))
            module.freeze(level)
            # Each output sums over fewer inputs than when the weights were drawn.
            module.weight.data.mul_(groups_at(level) ** 0.5)
    host.phases = nn.ModuleList()  # the groups are what they are
    return host


def share_that_removes(target: float, channels: tuple[int, int, int], state: Mapping[str, torch.Tensor]) -> float:
    """Share of the filters that must be rebuilt to remove this share of the multiply-adds, found by bisection."""
    host = network(channels)
    host.load_state_dict(state)
    dense = macs(host)
    host = rebuild_filters(host, share=1.0, least_templates=LEAST_TEMPLATES)
    pruning = next(module for module in host.modules() if isinstance(module, FilterPruning))
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        share = (low + high) / 2
        pruning.prune(share)
        if 1 - macs(host) / dense < target:
            low = share
        else:
            high = share
    return high


def learned_macs(arm: Arm, channels: tuple[int, int, int], state: Mapping[str, torch.Tensor], step: float) -> int:
    """Multiply-adds of the network with learned groups."""
    learned = learn_groups(network(channels), target=arm.target, step=step)
    learned.load_state_dict(state)
    return macs(learned)


def macs(host: nn.Module) -> int:
    """Multiply-adds of the deployed network for one image."""
    return count_cost(compact(host), INPUT).macs


def uniform_channels(channels: tuple[int, int, int], wanted: int) -> tuple[int, int, int]:
    """Numbers of channels in nearly equal proportions whose multiply-adds are nearest to the wanted ones."""
    first, second, third = channels

    def distance(each: tuple[int, int, int]) -> int:
        return abs(macs(network(each)) - wanted)

    equal = [(w, round(second * w / first), round(third * w / first)) for w in range(1, first + 1)]
    near = sorted(equal, key=distance)[:2]
    around = [(w, b + more, c + most) for w, b, c in near for more in (-1, 0, 1) for most in range(-4, 5)]
    return min((each for each in around if all(0 < a <= b for a, b in zip(each, channels, strict=True))), key=distance)


def learning_of(host: Host) -> GroupLearning | None:
    """The part of a network that learns groups; None if there is none."""
    return next((module for module in host.modules() if isinstance(module, GroupLearning)), None)
