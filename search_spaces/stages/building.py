"""Builds what a candidate decided into the stages of a host."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import nn

from search_spaces.blocks import BLOCKS
from search_spaces.hosts.host import Host
from search_spaces.kinds import KINDS
from search_spaces.stages.plan import StagePlan


def build_stages(host: Host, plans: Sequence[StagePlan], *, keeps_fixed: bool) -> None:
    """Changes the host: parts that draw weights are made kind by kind, first the convolutions, then the mixers.

    Args:
        host: The unchanged network.
        plans: The plan of each of its stages.
        keeps_fixed: Whether the host has the unchanged mixer, which is then kept.
    """
    for kind in KINDS.values():
        for stage, plan in enumerate(plans):
            if plan.kind is kind and not kind.converts:
                plan.convolutions.build(host, stage)
    for stage, plan in enumerate(plans):
        if plan.mixer and not (keeps_fixed and BLOCKS[plan.mixer].unchanged):
            host.replace_mixers(stage, partial(_mixer, plan))
    for stage, plan in enumerate(plans):
        if plan.kind.converts:
            plan.convolutions.build(host, stage)


def _mixer(plan: StagePlan, channels: int) -> nn.Module:
    return BLOCKS[plan.mixer](plan.mixers[channels])
