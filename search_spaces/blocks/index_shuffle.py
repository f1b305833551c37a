"""The hard Kronecker shuffle: one gather forward, straight-through to the soft factors backward.

Axes: b images, c = g n1 n2 channels, x = h w positions, k groups, i and j rows of the two factors, l a column.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from search_spaces.blocks.channel_gather import gather_channels, scatter_channels
from search_spaces.blocks.factors import hard_rows
from search_spaces.blocks.layout import is_channels_last
from search_spaces.blocks.permutation import grouped, kronecker, shuffle_map


def index_shuffle(x: Tensor, p1: Tensor, p2: Tensor, groups: int) -> Tensor:
    """S_g (I_g (x) H1 (x) H2) x with H the hard rows of P, and the gradient of the bilinear map at (H1, H2) for P1 and P2.

    Equal in value and gradient to `kronecker_shuffle(x, straight_through(p1), straight_through(p2), groups)`.

    Args:
        x: `float[b c h w]`, in any memory layout; the output has the same.
        p1: `float[b|1 g|1 n1 n1]`, soft; a dimension of 1 is shared.
        p2: `float[b|1 g|1 n2 n2]`, soft.
        groups: g.
    """
    result: Tensor = _IndexShuffle.apply(x, p1, p2, groups)  # type: ignore[no-untyped-call]
    return result


class _IndexShuffle(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, p1: Tensor, p2: Tensor, groups: int) -> Tensor:
        outer, inner = hard_rows(p1), hard_rows(p2)
        index_map = shuffle_map(outer, inner, groups)
        ctx.save_for_backward(x, outer, inner, index_map)
        ctx.groups = groups
        ctx.dtypes = p1.dtype, p2.dtype
        return gather_channels(x, index_map)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        x, outer, inner, index_map = ctx.saved_tensors
        if is_channels_last(x):
            grad = grad.contiguous(memory_format=torch.channels_last)
        grad_x = scatter_channels(grad, index_map) if ctx.needs_input_grad[0] else None
        if not (ctx.needs_input_grad[1] or ctx.needs_input_grad[2]):
            return grad_x, None, None, None
        grad_p1, grad_p2 = _factor_gradients(x, grad, outer, inner, ctx.groups)
        return grad_x, grad_p1.to(ctx.dtypes[0]), grad_p2.to(ctx.dtypes[1]), None


def _factor_gradients(x: Tensor, grad: Tensor, outer: Tensor, inner: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """dP1 = dY (X H2^T)^T and dP2 = dY^T (H1 X), summed over positions and whatever shares a factor."""
    b, _, h, w = x.shape
    n1, n2 = outer.shape[-1], inner.shape[-1]
    every_outer, every_inner = (torch.arange(n, device=x.device) for n in (n1, n2))
    inner_read = gather_channels(x, grouped(kronecker(every_outer.expand_as(outer), inner), groups))
    outer_read = gather_channels(x, grouped(kronecker(outer, every_inner.expand_as(inner)), groups))
    if is_channels_last(x):
        source, target = "bxkij", "bxijk"
        read_shape, grad_shape = (b, h * w, groups, n1, n2), (b, h * w, n1, n2, groups)
        inner_read, outer_read, grad = (t.permute(0, 2, 3, 1) for t in (inner_read, outer_read, grad))
    else:
        source, target = "bkijx", "bijkx"
        read_shape, grad_shape = (b, groups, n1, n2, h * w), (b, n1, n2, groups, h * w)
    grad = grad.reshape(grad_shape)
    kept1 = _kept_axes(outer, groups) + "il"
    kept2 = _kept_axes(inner, groups) + "jl"
    grad_p1 = torch.einsum(f"{target},{source.replace('i', 'l')}->{kept1}", grad, inner_read.reshape(read_shape))
    grad_p2 = torch.einsum(f"{target},{source.replace('j', 'l')}->{kept2}", grad, outer_read.reshape(read_shape))
    return grad_p1.reshape(*outer.shape, n1), grad_p2.reshape(*inner.shape, n2)


def _kept_axes(rows: Tensor, groups: int) -> str:
    """Of the axes b and k those that a factor with these rows `int[b|1 g|1 n]` does not share."""
    return ("b" if rows.shape[0] > 1 else "") + ("k" if rows.shape[1] == groups > 1 else "")
