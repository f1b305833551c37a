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

from search_spaces.blocks.channel_shuffle import channel_shuffle
from search_spaces.blocks.deployed.deployed_gather import ChannelGather
from search_spaces.blocks.factors.factors import evaluated_rows, gates, rounded_rows
from search_spaces.blocks.factors.learned_mixer import LearnedMixer
from search_spaces.blocks.permutations.channel_gather import gather_channels, scatter_channels
from search_spaces.blocks.permutations.layout import is_channels_last
from search_spaces.blocks.permutations.permutation import cross_group_shuffle, matrix
from search_spaces.blocks.spec import Relaxation


class StaticFullShuffle(LearnedMixer):
    """A learned c x c permutation for all images that begins as the host's own shuffle; deployed, it is a single index map.

    The logits begin as temperature (log(c - 1) + 2) at the host's shuffle plus temperature N(0, 0.1): each soft row then
    gives its channel a weight of e^2 / (e^2 + 1) = 0.88 at any size and temperature, while a constant +2 would give 2% at
    464 channels and blur them all.

    Source: Lyu et al., AutoShuffleNet, KDD 2020, arXiv 1901.08624; here with row softmax, the orthogonality penalty and
        straight-through binarization instead of its l1-l2 penalty, which needs doubly stochastic matrices.
    """

    def __init__(self, *, channels: int, host_groups: int, relaxation: Relaxation) -> None:
        super().__init__(channels, relaxation)
        self.host_groups = host_groups
        start = matrix(cross_group_shuffle(channels, host_groups)) * (math.log(channels - 1) + 2.0)
        noise = torch.empty(channels, channels).normal_(0.0, 0.1)
        self.logits = nn.Parameter(relaxation.temperature * (start + noise))

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`."""
        if not self.training and not self.is_soft:
            return gather_channels(x, self.index_map(x))
        if not self.is_learned:
            self._soft_matrices = ()
            return channel_shuffle(x, self.host_groups)
        soft = self.soft_of(self.logits)
        if self.training:
            self._soft_matrices = (soft,)
        if self.is_soft:
            return F.conv2d(x, soft[:, :, None, None].to(x.dtype))
        rows = rounded_rows(soft, self.relaxation.rounding)
        gated = self.relaxation.estimator == "gated"
        result: Tensor = _FullIndexShuffle.apply(x, soft.detach() if gated else soft, rows[None])  # type: ignore[no-untyped-call]
        return result * gates(soft, rows)[:, None, None].to(x.dtype) if gated else result

    def index_map(self, x: Tensor) -> Tensor:
        """The map by which an evaluation reads the channels, `int[1 c]`."""
        return self.remember(self.rows_of(self.logits[None]))

    def deployed(self) -> nn.Module:
        """A gather with a single index map."""
        return ChannelGather(evaluated_rows(self.logits, self.relaxation.at(1.0)))

    def logit_parameters(self) -> Iterable[nn.Parameter]:
        """The logit matrix."""
        return (self.logits,)

    def extra_repr(self) -> str:
        """The sizes that `repr` shows."""
        return f"channels={self.channels}, {self.relaxation}"


class _FullIndexShuffle(torch.autograd.Function):
    """Reads channels by the hard rows of `float[c c]`. The gradient of y = H x is passed straight through to the soft matrix."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, soft: Tensor, index_map: Tensor) -> Tensor:
        ctx.save_for_backward(x, index_map)
        ctx.dtype = soft.dtype
        return gather_channels(x, index_map)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, index_map = ctx.saved_tensors
        layout = torch.channels_last if is_channels_last(x) else torch.contiguous_format
        grad = grad.contiguous(memory_format=layout)
        grad_x = scatter_channels(grad, index_map) if ctx.needs_input_grad[0] else None
        grad_soft = None
        if ctx.needs_input_grad[1]:
            grad_soft = torch.einsum("bihw,bjhw->ij", grad, x).to(ctx.dtype)
        return grad_x, grad_soft, None
