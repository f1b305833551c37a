"""Converts a network with dense convolutions into one whose convolutions learn groups."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from search_spaces.grouping.group_learning import SPARSIFY_SHARE, GroupLearning
from search_spaces.grouping.learned_group_conv import LearnedGroupConv2d
from search_spaces.grouping.strength import STEP
from search_spaces.hosts.host import Host, replace_dense


def learn_groups(
    host: Host,
    *,
    target: float,
    step: float = STEP,
    sparsify_share: float = SPARSIFY_SHARE,
    stages: Sequence[int] | None = None,
) -> Host:
    """Converts the dense convolutions behind the stem so that they learn groups. The host itself is changed and returned.

    Until it is trained, every convolution is counted and deployed with the largest number of groups that removes no more
    than the target.

    Args:
        host: A network, trained or not, whose weights are kept.
        target: Share of the multiply-adds of these convolutions to remove, above 0 and below 1.
        step: Step by which the penalty's weight changes per epoch.
        sparsify_share: Share of the epochs in which weights are sparsified.
        stages: Stages, counted from 0, whose convolutions are converted. Default: all stages and the head.
    """
    learned: list[LearnedGroupConv2d] = []

    def make(convolution: nn.Conv2d) -> nn.Module:
        learned.append(LearnedGroupConv2d(convolution))
        learned[-1].expect(1 / (1 - target))
        return learned[-1]

    replace_dense(host.parts(stages), make)
    host.phases.append(GroupLearning(learned, target=target, step=step, sparsify_share=sparsify_share))
    return host
