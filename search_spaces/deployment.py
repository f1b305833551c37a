"""The deployed form of a trained network."""

from __future__ import annotations

import copy
from collections.abc import Iterable

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from nas.errors import DeploymentError
from nas.ports import LearnedShuffle
from search_spaces.blocks.channel_affine import ChannelAffine
from search_spaces.blocks.deployable import Deployable


def compact(model: nn.Module) -> nn.Module:
    """See `search_spaces.compact`."""
    network = _deployed(copy.deepcopy(model).eval())
    return network.eval().requires_grad_(False)


def _deployed(module: nn.Module) -> nn.Module:
    """The module in its deployed form; changed in place where its own type stays.

    Raises:
        DeploymentError: It has none.
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
    if type(module) is nn.Sequential:  # another forward may have other neighbours
        return nn.Sequential(*_folded(module))
    for name, child in module.named_children():
        setattr(module, name, _deployed(child))
    return module


def _folded(modules: Iterable[nn.Module]) -> list[nn.Module]:
    """The chain with each norm folded into the convolution before it, the others deployed, and identities left out."""
    chain: list[nn.Module] = []
    for module in modules:
        before = chain[-1] if chain else None
        if isinstance(module, nn.BatchNorm2d) and isinstance(before, nn.Conv2d) and module.track_running_stats:
            chain[-1] = fuse_conv_bn_eval(before, module)
        else:
            chain.append(_deployed(module))
    return [module for module in chain if not isinstance(module, nn.Identity)]
