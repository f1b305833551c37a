"""The training that turns a network's convolutions into group convolutions: it sparsifies, decides, and trains on."""

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
"""Share of the epochs in which weights are pulled to their groups. In the other epochs the network is trained with fixed groups."""
WARM_UP_SHARE = 0.04
"""Share of the epochs before anything is penalized."""


class GroupLearning(nn.Module, PhasedTraining, Deployable):
    """Lets the convolutions of a network find groups that together remove a given share of their multiply-adds.

    During the sparsifying share of the epochs, each epoch ends with a better order of the channels, the level that it
    allows, and a penalty whose weight rises while too little is gained. Then every convolution takes the level that removes
    what is asked, with one kept share for all convolutions, and weights outside its blocks are removed.

    Source: arXiv 2002.08127, code. It has 100 epochs of sparsifying and 160 of fine-tuning; here they are shares of one
        budget, with one schedule of the learning rate.

    Args:
        convolutions: Convolutions of one network, of which this module is a part too.
        target: Share of their multiply-adds to remove, above 0 and below 1.
        step: Step by which the penalty's weight changes per epoch.
        sparsify_share: Share of the epochs in which weights are sparsified.
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
        """Arranges the channels before the first epoch, and decides on the groups when sparsifying is over."""
        last = self._sparsify_epochs(epochs)
        if epoch == 0:
            self._rearrange()
        if epoch == last:
            self._decide()
        self._pulls = WARM_UP_SHARE * epochs <= epoch < last

    def penalty(self) -> Tensor | float:
        """The weighted penalty of all convolutions while they are pulled to their groups, else 0."""
        if not self._pulls or not self.weight:
            return 0.0
        return self.weight.float() * torch.stack([each.penalty() for each in self._convolutions]).sum()

    def epoch_ends(self, epoch: int, epochs: int) -> None:
        """While sparsifying: improves the orders, updates the levels they allow, and adapts the weight of the penalty."""
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
        """An identity, since this module only acts in training."""
        return nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """The input, unchanged; this is never called."""
        return x

    def _sparsify_epochs(self, epochs: int) -> int:
        """Number of sparsifying epochs, at least one if another epoch follows."""
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
