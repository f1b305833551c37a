"""Penalties that the parts of a network add to its loss."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from module_protocols import LearnedShuffle, Penalized


class Penalties:
    """The penalties of a network: the mean over its learned shuffles, whose weight changes, and the sum over its other parts."""

    def __init__(self, network: nn.Module) -> None:
        modules = list(network.modules())
        self.shuffles: list[LearnedShuffle] = [module for module in modules if isinstance(module, LearnedShuffle)]
        weighted = {id(shuffle) for shuffle in self.shuffles}
        self._others: list[Penalized] = [
            module for module in modules if isinstance(module, Penalized) and id(module) not in weighted
        ]

    def added_to(self, loss: Tensor, weight: float | Tensor) -> Tensor:
        """The loss of a forward plus the penalties of that forward.

        Args:
            loss: The loss, a scalar.
            weight: Weight of the learned shuffles' penalty. A tensor, whose value is never read on the host, may be 0.
        """
        if self.shuffles and (isinstance(weight, Tensor) or weight > 0):
            loss = loss + weight * mean_penalty(self.shuffles)
        for part in self._others:
            loss = loss + part.penalty()
        return loss


def mean_penalty(shuffles: Sequence[LearnedShuffle]) -> Tensor:
    """Mean penalty, a scalar, over those learned shuffles that can have one, so that the others do not dilute it."""
    penalties = [shuffle.penalty() for shuffle in shuffles]
    return torch.stack([each for each in penalties if each.requires_grad] or penalties).mean()
