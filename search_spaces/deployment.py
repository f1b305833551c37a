"""The deployed form of a trained network."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from module_protocols import LearnedShuffle
from nas.errors import DeploymentError
from search_spaces.blocks.deployed.channel_affine import ChannelAffine
from search_spaces.blocks.deployed.deployable import Deployable
from search_spaces.blocks.deployed.deployed_gather import ChannelGather
from search_spaces.blocks.permutations.permutation import compose
from search_spaces.grouping.learned_group_conv import GroupedBetweenShuffles, SizedGroupConv2d
from search_spaces.hosts.host import Unit

ELEMENTWISE = (nn.ReLU, nn.ReLU6, nn.Hardswish, nn.SiLU, nn.MaxPool2d)
"""Modules that treat all channels alike, so that channels may be reordered before or after them."""


def compact(model: nn.Module) -> nn.Module:
    """See `search_spaces.compact`."""
    network = _deployed(copy.deepcopy(model).eval())
    return network.eval().requires_grad_(False)


def _deployed(module: nn.Module) -> nn.Module:
    """The deployed form of a module; a module that keeps its type is changed in place.

    Raises:
        DeploymentError: The module has no deployed form.
    """
    if isinstance(module, Deployable):
        return module.deployed()
    if isinstance(module, LearnedShuffle):
        raise DeploymentError(
            f"{type(module).__name__} learns a shuffle, but is no Deployable that knows its deployed form"
        )
    if isinstance(module, nn.modules.batchnorm._BatchNorm):
        if not isinstance(module, nn.BatchNorm2d):
            raise DeploymentError(f"{module} stands alone; only a BatchNorm2d has a deployed form")
        return ChannelAffine(module)
    if type(module) is nn.Sequential:  # in another forward it may have other neighbours
        return nn.Sequential(*_folded(module))
    for name, child in module.named_children():
        setattr(module, name, _deployed(child))
    return module


def _folded(modules: Iterable[nn.Module]) -> list[nn.Module]:
    """The chain with each norm folded into the convolution before it, other modules deployed, and identities removed.

    A convolution between two gathers is treated as three members: a norm is folded through the second gather, and gathers
    with only activations between them become one. A unit that is a chain is treated as its layers.
    """
    chain: list[nn.Module] = []
    for module in _flat(modules):
        if isinstance(module, nn.BatchNorm2d) and module.track_running_stats and _fold(chain, module):
            continue
        deployed = _deployed(module)
        for part in deployed if isinstance(deployed, GroupedBetweenShuffles) else (deployed,):
            if isinstance(part, ChannelGather) and (earlier := _gather_before(chain)) is not None:
                first = chain.pop(earlier)
                assert isinstance(first, ChannelGather)
                part = ChannelGather(compose(first.index_map, part.index_map))
            if not isinstance(part, nn.Identity):
                chain.append(part)
    return chain


def _flat(modules: Iterable[nn.Module]) -> Iterator[nn.Module]:
    for module in modules:
        inner = module if type(module) is nn.Sequential else module.chain if isinstance(module, Unit) else None
        if inner is None:
            yield module
        else:
            yield from _flat(inner)


def _fold(chain: list[nn.Module], norm: nn.BatchNorm2d) -> bool:
    """Folds a norm into the end of the chain, if that is a convolution, possibly followed by a gather."""
    if chain and isinstance(chain[-1], nn.Conv2d):
        chain[-1] = fuse_conv_bn_eval(chain[-1], norm)
        return True
    if len(chain) > 1 and isinstance(chain[-1], ChannelGather) and isinstance(chain[-2], SizedGroupConv2d):
        # Channel k of the convolution is the one that the norm has at the place where the gather puts it.
        norm = copy.deepcopy(norm)
        places = chain[-1].index_map.argsort()
        for values in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
            if values is not None:
                values.data = values.data[places]
        chain[-2] = fuse_conv_bn_eval(chain[-2], norm)
        return True
    return False


def _gather_before(chain: list[nn.Module]) -> int | None:
    """Position of a gather at the end of the chain, where activations may follow it."""
    for position in range(len(chain) - 1, -1, -1):
        if isinstance(chain[position], ChannelGather):
            return position
        if not isinstance(chain[position], ELEMENTWISE):
            return None
    return None
