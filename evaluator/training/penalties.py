"""What the parts of a network add to its loss."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from module_protocols import LearnedShuffle, Penalized


class Penalties:
    """Of one network: the mean over its learned shuffles, whose weight changes from step to step, and the other parts' sum."""

    def __init__(self, network: nn.Module) -> None:
        modules = list(network.modules())
        self.shuffles: list[LearnedShuffle] = [module for module in modules if isinstance(module, LearnedShuffle)]
        weighted = {id(shuffle) for shuffle in self.shuffles}
        self._others: list[Penalized] = [
            module for module in modules if isinstance(module, Penalized) and id(module) not in weighted
        ]

    def added_to(self, loss: Tensor, weight: float | Tensor) -> Tensor:
        """The loss of a forward with the penalties of that forward.

        Args:
            loss: A scalar.
            weight: Of the learned shuffles' penalty. As a tensor, whose value nobody looks at, it may be 0.
        """
        if self.shuffles and (isinstance(weight, Tensor) or weight > 0):
            loss = loss + weight * mean_penalty(self.shuffles)
        for part in self._others:
            loss = loss + part.penalty()
        return loss


def mean_penalty(shuffles: Sequence[LearnedShuffle]) -> Tensor:
    """Mean penalty of those learned shuffles that can have one, so that the others do not make its weight smaller; a scalar."""
    penalties = [shuffle.penalty() for shuffle in shuffles]
    return torch.stack([each for each in penalties if each.requires_grad] or penalties).mean()
