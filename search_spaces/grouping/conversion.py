"""A network whose convolutions learn groups, made from one with dense convolutions."""

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
    """Lets dense convolutions behind the stem learn groups; the host itself is changed, and returned.

    Until it is trained every convolution counts, and is deployed, with the most groups that remove no more than the target.

    Args:
        host: With weights that are kept, trained or not.
        target: Share of the multiply-adds of these convolutions to be removed, above 0 and below 1.
        step: By which the penalty's weight changes, an epoch.
        sparsify_share: Of the epochs.
        stages: Counted from 0, whose convolutions these are. Default: all stages and the head.
    """
    learned: list[LearnedGroupConv2d] = []

    def make(convolution: nn.Conv2d) -> nn.Module:
        learned.append(LearnedGroupConv2d(convolution))
        learned[-1].expect(1 / (1 - target))
        return learned[-1]

    replace_dense(host.parts(stages), make)
    host.phases.append(GroupLearning(learned, target=target, step=step, sparsify_share=sparsify_share))
    return host
