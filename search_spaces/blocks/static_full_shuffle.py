"""Static full shuffle: one learned permutation over all channels, which may cross groups freely.

Axes: b images, c channels, h w positions, i rows, j columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from search_spaces.blocks.channel_gather import gather_channels, scatter_channels
from search_spaces.blocks.factors import hard_rows, soft_rows
from search_spaces.blocks.layout import is_channels_last
from search_spaces.blocks.learned_mixer import LearnedMixer
from search_spaces.blocks.permutation import cross_group_shuffle, matrix


class StaticFullShuffle(LearnedMixer):
    """A learned c x c permutation for all images that begins as the host's own shuffle; deployed it is one index map.

    The logits begin as temperature (log(c - 1) + 2) at the host's shuffle plus temperature N(0, 0.1): each soft row then
    gives its channel a weight of e^2 / (e^2 + 1) = 0.88 at any size and temperature, where a constant +2 would give 2% at 464
    channels and blur them all.

    Source: Lyu et al., AutoShuffleNet, KDD 2020, arXiv 1901.08624; here with row softmax, the orthogonality penalty and
    straight-through binarization in the place of its l1-l2 penalty, which needs doubly stochastic matrices.
    """

    def __init__(self, *, channels: int, host_groups: int, temperature: float, binarize_from: float) -> None:
        super().__init__(temperature=temperature, binarize_from=binarize_from)
        self.channels = channels
        start = matrix(cross_group_shuffle(channels, host_groups)) * (math.log(channels - 1) + 2.0)
        noise = torch.empty(channels, channels).normal_(0.0, 0.1)
        self.logits = nn.Parameter(temperature * (start + noise))

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`."""
        if not self.training and not self.is_soft:
            index_map = hard_rows(self.logits)[None]
            self._index_map = index_map.detach()
            return gather_channels(x, index_map)
        soft = soft_rows(self.logits, self.temperature)
        if self.training:
            self._soft_matrices = (soft,)
        if self.is_soft:
            return F.conv2d(x, soft[:, :, None, None].to(x.dtype))
        result: Tensor = _FullIndexShuffle.apply(x, soft)  # type: ignore[no-untyped-call]
        return result

    def logit_parameters(self) -> Iterable[nn.Parameter]:
        """The logit matrix."""
        return (self.logits,)

    def extra_repr(self) -> str:
        """Shown by `repr`."""
        return f"channels={self.channels}, temperature={self.temperature}, binarize_from={self.binarize_from}"


class _FullIndexShuffle(torch.autograd.Function):
    """Reads channels by the hard rows of `float[c c]`; backward is that of y = H x, straight-through to the soft matrix."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, soft: Tensor) -> Tensor:
        index_map = hard_rows(soft)[None]
        ctx.save_for_backward(x, index_map)
        ctx.dtype = soft.dtype
        return gather_channels(x, index_map)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, index_map = ctx.saved_tensors
        layout = torch.channels_last if is_channels_last(x) else torch.contiguous_format
        grad = grad.contiguous(memory_format=layout)
        grad_x = scatter_channels(grad, index_map) if ctx.needs_input_grad[0] else None
        grad_soft = None
        if ctx.needs_input_grad[1]:
            grad_soft = torch.einsum("bihw,bjhw->ij", grad, x).to(ctx.dtype)
        return grad_x, grad_soft
