"""Builds what a candidate decided into the stages of a host."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import nn

from search_spaces.architecture import StagePlan
from search_spaces.blocks import BLOCKS, make_pointwise
from search_spaces.grouping.conversion import learn_groups
from search_spaces.hosts.host import Host
from search_spaces.hosts.stem import convolution
from search_spaces.reconstruction.pruning import rebuild_filters


def build_stages(host: Host, plans: Sequence[StagePlan], *, keeps_fixed: bool) -> None:
    """Changes the host: grouped convolutions first and mixers last of what draws weights.

    Args:
        host: Unchanged.
        plans: Of each of its stages.
        keeps_fixed: Whether the host has a fixed shuffle of its own, which then stands for that mixer.
    """
    for stage, plan in enumerate(plans):
        if plan.conv_groups > 1:
            host.replace_convolutions(stage, partial(_like, groups=plan.conv_groups))
    for stage, plan in enumerate(plans):
        if plan.shuffled:
            host.replace_convolutions(stage, partial(_shuffled, plan))
    for stage, plan in enumerate(plans):
        if plan.mixer and not (keeps_fixed and plan.mixer == "fixed"):
            host.replace_mixers(stage, partial(_mixer, plan))
    for stage, plan in enumerate(plans):
        if plan.learned is not None:
            learn_groups(host, target=1 - 1 / plan.learned.groups, step=plan.learned.step, stages=(stage,))
        if plan.rebuilt is not None:
            rebuild_filters(
                host,
                share=plan.rebuilt.share,
                groups=plan.rebuilt.groups,
                family=plan.rebuilt.family,
                least_templates=plan.rebuilt.least_templates,
                stages=(stage,),
            )


def _like(like: nn.Conv2d, *, groups: int, outputs: int | None = None) -> nn.Conv2d:
    """One of the same kernel and stride."""
    return convolution(
        like.in_channels,
        like.out_channels if outputs is None else outputs,
        kernel=like.kernel_size[0],
        stride=like.stride[0],
        groups=groups,
    )


def _shuffled(plan: StagePlan, dense: nn.Conv2d) -> nn.Module:
    """A static-dynamic shuffle, where factors fit; what is wider than 1x1 is left to a depthwise convolution before it."""
    spec = plan.shuffled.get((dense.in_channels, dense.out_channels))
    if spec is None:
        return dense
    if dense.kernel_size == (1, 1):
        return make_pointwise(spec)
    channels = dense.in_channels
    depthwise = _like(dense, groups=channels, outputs=channels)
    return nn.Sequential(depthwise, nn.BatchNorm2d(channels), make_pointwise(spec))


def _mixer(plan: StagePlan, channels: int) -> nn.Module:
    return BLOCKS[plan.mixer](plan.mixers[channels])
