"""The exponential moving average of a network, which is the copy that is measured and kept.

Buffers are averaged like weights, so that the running statistics of a batch norm belong to the averaged weights that feed
it; integers and flags are copied.
"""

from __future__ import annotations

import copy

import torch
from torch import nn


class AveragedNetwork:
    """An averaged copy of a network, in evaluation mode and without gradients.

    It must be made before the network's first forward pass, since modules may keep tensors of a pass that cannot be copied.
    """

    def __init__(self, model: nn.Module) -> None:
        self.network = copy.deepcopy(model).requires_grad_(False).eval()
        pairs = list(zip(_tensors(self.network), _tensors(model), strict=True))
        averaged = [(kept, live) for kept, live in pairs if live.is_floating_point()]
        copied = [(kept, live) for kept, live in pairs if not live.is_floating_point()]
        self._averaged = ([kept for kept, _ in averaged], [live for _, live in averaged])
        self._copied = ([kept for kept, _ in copied], [live for _, live in copied])

    @torch.no_grad()
    def update(self, decay: float | torch.Tensor) -> None:
        """Moves the average by one step: kept = decay * kept + (1 - decay) * live.

        Args:
            decay: From 0 to 1; a number, or a scalar on the network's device.
        """
        kept, live = self._averaged
        if isinstance(decay, torch.Tensor):
            moves = torch._foreach_sub(live, kept)
            torch._foreach_mul_(moves, 1 - decay)
            torch._foreach_add_(kept, moves)
        else:
            torch._foreach_lerp_(kept, live, 1 - decay)
        if self._copied[0]:
            torch._foreach_copy_(*self._copied)

    @torch.no_grad()
    def is_finite(self) -> bool:
        """Whether all averaged values are finite."""
        return all(bool(torch.isfinite(kept).all()) for kept in self._averaged[0])


def _tensors(model: nn.Module) -> list[torch.Tensor]:
    return [*(parameter.detach() for parameter in model.parameters()), *model.buffers()]
