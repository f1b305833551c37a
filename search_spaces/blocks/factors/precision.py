"""Float32 arithmetic inside autocast regions, where near-ties and differences of nearly equal numbers matter."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def full_precision(x: Tensor) -> AbstractContextManager[object]:
    """A context that switches autocast off for the tensor's device, except on the meta device, which has none.

    If autocast is already off, no context is entered, since that would take as long as a small layer.
    """
    if torch.amp.is_autocast_available(x.device.type) and torch.is_autocast_enabled(x.device.type):
        return torch.autocast(x.device.type, enabled=False)
    return nullcontext()


def sum_dtype(x: Tensor) -> torch.dtype:
    """Float32 for a tensor of lower precision, else the tensor's own dtype."""
    return torch.float32 if x.dtype in (torch.float16, torch.bfloat16) else x.dtype


def at_least_float32(x: Tensor) -> Tensor:
    """The tensor in float32 if it has a lower precision, else unchanged."""
    return x.to(sum_dtype(x))
