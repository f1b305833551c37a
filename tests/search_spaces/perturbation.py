"""Moves a network away from its start, as a training would."""

from __future__ import annotations

import torch
from torch import nn

from module_protocols import PhasedTraining


@torch.no_grad()
def perturb(model: nn.Module, size: float = 0.3) -> nn.Module:
    """Adds noise to all parameters and to the statistics of all norms, in place, and goes through the phases of its training."""
    for parameter in model.parameters():
        parameter.add_(size * torch.randn_like(parameter))
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.add_(size * torch.randn_like(buffer))
        if name.endswith("running_var"):
            buffer.mul_(0.5 + torch.rand_like(buffer))
    for epoch in range(2):
        for part in (module for module in model.modules() if isinstance(module, PhasedTraining)):
            part.epoch_begins(epoch, 2)
            part.epoch_ends(epoch, 2)
    return model
