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
from search_spaces.blocks.permutation import cross_group_shuffle, grouped, kronecker, shuffle_map


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
        layout = torch.channels_last if is_channels_last(x) else torch.contiguous_format
        grad = grad.contiguous(memory_format=layout)
        grad_x = scatter_channels(grad, index_map) if ctx.needs_input_grad[0] else None
        if not (ctx.needs_input_grad[1] or ctx.needs_input_grad[2]):
            return grad_x, None, None, None
        grad_p1, grad_p2 = _factor_gradients(x, grad, outer, inner, ctx.groups)
        return grad_x, grad_p1.to(ctx.dtypes[0]), grad_p2.to(ctx.dtypes[1]), None


def _factor_gradients(x: Tensor, grad: Tensor, outer: Tensor, inner: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """dP1 = dY (X H2^T)^T and dP2 = dY^T (H1 X), summed over positions and whatever shares a factor."""
    every_outer, every_inner = (torch.arange(rows.shape[-1], device=x.device) for rows in (outer, inner))
    inner_read = grouped(kronecker(every_outer.expand_as(outer), inner), groups)
    outer_read = grouped(kronecker(outer, every_inner.expand_as(inner)), groups)
    sizes = (groups, outer.shape[-1], inner.shape[-1])
    return (
        _factor_gradient(x, grad, inner_read, outer, sizes, kept=1),
        _factor_gradient(x, grad, outer_read, inner, sizes, kept=2),
    )


def _factor_gradient(
    x: Tensor, grad: Tensor, read: Tensor, rows: Tensor, sizes: tuple[int, int, int], kept: int
) -> Tensor:
    """The gradient of one factor, as a product of two matrices over positions, the other factor's axis and shared groups.

    Each matrix is one gather that reads channels in the order in which the product needs no further copy.

    Args:
        x: Input, `float[b c h w]`.
        grad: Gradient of the output, in the layout of `x`.
        read: Index map by which the other, hard factor reads the input, `int[b|1 c]`.
        rows: Hard rows of this factor, `int[b|1 g|1 n]`, for its shape.
        sizes: g, n1, n2.
        kept: Which of them is the factor's own.
    """
    groups, n1, n2 = sizes
    channels = groups * n1 * n2
    per_group = rows.shape[1] > 1
    last = is_channels_last(x)
    axes = (0, 3 - kept, kept) if last else (0, kept, 3 - kept) if per_group else (kept, 0, 3 - kept)
    order = torch.arange(channels, device=x.device).view(sizes).permute(axes).reshape(-1)
    # The shuffle over n groups undoes the one over g.
    unshuffled = cross_group_shuffle(channels, n1 * n2, x.device)[order]

    def as_matrix(features: Tensor) -> Tensor:
        """`float[b c h w] -> float[b g|1 n K]`."""
        b, _, h, w = features.shape
        lead = groups if per_group else 1
        if not last:
            return features.reshape(b, lead, rows.shape[-1], -1)
        grid = features.permute(0, 2, 3, 1).reshape(b, h * w, lead, -1, rows.shape[-1])
        return grid.transpose(1, 2).reshape(b, lead, -1, rows.shape[-1]).transpose(-1, -2)

    target = as_matrix(gather_channels(grad, unshuffled[None]))
    source = as_matrix(gather_channels(x, read[:, order]))
    gradient = target @ source.transpose(-1, -2)
    return gradient.sum(0, keepdim=True) if rows.shape[0] == 1 else gradient
