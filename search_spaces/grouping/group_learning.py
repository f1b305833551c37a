"""The training that turns a network's convolutions into group convolutions: sparsify, decide, train on."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from module_protocols import PhasedTraining
from search_spaces.blocks.deployed.deployable import Deployable
from search_spaces.grouping.hierarchy import deepest_level
from search_spaces.grouping.learned_group_conv import KEPT_SHARE, LearnedGroupConv2d
from search_spaces.grouping.strength import STEP, Strength, levels_for, removed_share

SPARSIFY_SHARE = 0.4
"""Of the epochs, in which weights are pulled to their groups; in the others the network is trained on with the groups it has."""
WARM_UP_SHARE = 0.04
"""Of the epochs, before anything is penalized."""


class GroupLearning(nn.Module, PhasedTraining, Deployable):
    """Lets the convolutions of a network find groups that remove a share of their multiply-adds.

    Until the sparsifying share of the epochs is over, each epoch ends with better orders of the channels, the level that these
    allow, and a penalty whose weight rises while too little is gained. Then every convolution takes the level that, with one kept
    share for all, removes what is asked, and weights outside of its blocks are gone.

    Source: arXiv 2002.08127, code; 100 epochs of sparsifying and 160 of fine-tuning there, shares of one budget and one schedule of
    the rate here.

    Args:
        convolutions: Of one network, of which this is a part beside them.
        target: Share of their multiply-adds to be removed, above 0 and below 1.
        step: By which the penalty's weight changes, an epoch.
        sparsify_share: Of the epochs.
    """

    weight: Tensor
    reached: Tensor

    def __init__(
        self,
        convolutions: Sequence[LearnedGroupConv2d],
        *,
        target: float,
        step: float = STEP,
        sparsify_share: float = SPARSIFY_SHARE,
    ) -> None:
        super().__init__()
        self._convolutions = tuple(convolutions)  # in a tuple they are not registered a second time
        self._target, self._step, self._share = target, step, sparsify_share
        self._pulls = False
        self.register_buffer("weight", torch.zeros((), dtype=torch.float64))
        self.register_buffer("reached", torch.zeros((), dtype=torch.float64))

    def epoch_begins(self, epoch: int, epochs: int) -> None:
        """First the channels are arranged; when sparsifying is over the groups are decided."""
        last = self._sparsify_epochs(epochs)
        if epoch == 0:
            self._rearrange()
        if epoch == last:
            self._decide()
        self._pulls = WARM_UP_SHARE * epochs <= epoch < last

    def penalty(self) -> Tensor | float:
        """The weighted penalty of all convolutions, while they are pulled to their groups."""
        if not self._pulls or not self.weight:
            return 0.0
        return self.weight.float() * torch.stack([each.penalty() for each in self._convolutions]).sum()

    def epoch_ends(self, epoch: int, epochs: int) -> None:
        """While sparsifying: better orders, the levels they allow, and how hard the weights are pulled from now on."""
        last = self._sparsify_epochs(epochs)
        if epoch >= last:
            return
        self._rearrange()
        strength = Strength(
            target=self._target, epochs=last, value=float(self.weight), step=self._step, reached=float(self.reached)
        )
        self.weight.fill_(strength.after(epoch + 1, self.removed()))
        self.reached.fill_(strength.reached)

    def removed(self) -> float:
        """Share of the multiply-adds that the present levels remove."""
        return removed_share(self._dense(), [int(each.level) for each in self._convolutions])

    def deployed(self) -> nn.Module:
        """Nothing: it only trains."""
        return nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """The input; nobody calls it."""
        return x

    def _sparsify_epochs(self, epochs: int) -> int:
        """At least one, if there is one to train on after it."""
        return min(max(1, round(self._share * epochs)), epochs - 1)

    def _rearrange(self) -> None:
        for each in self._convolutions:
            each.rearrange(KEPT_SHARE)

    def _decide(self) -> None:
        dense = self._dense()
        deepest = [deepest_level(*each.weight.shape[:2]) for each in self._convolutions]
        target = min(self._target, removed_share(dense, deepest))
        levels, _ = levels_for(target, dense, lambda kept: [each.level_at(kept) for each in self._convolutions])
        for each, level in zip(self._convolutions, levels, strict=True):
            each.freeze(level)

    def _dense(self) -> list[int]:
        return [each.weight.numel() * max(int(each.positions), 1) for each in self._convolutions]
