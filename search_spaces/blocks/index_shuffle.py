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
from search_spaces.blocks.permutation import (
    cross_group_shuffle,
    grouped,
    inverse,
    is_permutation,
    kronecker,
    shuffle_map,
)

MOST_GROUPS = 4
"""Up to this many groups the products over permuted channels are cheaper than reading them in another order first."""


def index_shuffle(x: Tensor, p1: Tensor, p2: Tensor, groups: int, rows: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """S_g (I_g (x) H1 (x) H2) x with H hard rows of P, and the gradient of the bilinear map at (H1, H2) for P1 and P2.

    Equal in value and gradient to `kronecker_shuffle(x, straight_through(p1), straight_through(p2), groups)`.

    Args:
        x: `float[b c h w]`, in any memory layout; the output has the same.
        p1: `float[b|1 g|1 n1 n1]`, soft; a dimension of 1 is shared.
        p2: `float[b|1 g|1 n2 n2]`, soft.
        groups: g.
        rows: Those hard rows, `int[b|1 g|1 n1]` and `int[b|1 g|1 n2]`. Default: the largest entry of each row.
    """
    outer, inner = rows if rows is not None else (hard_rows(p1), hard_rows(p2))
    result: Tensor = _IndexShuffle.apply(x, p1, p2, outer, inner, groups)  # type: ignore[no-untyped-call]
    return result


class _IndexShuffle(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, p1: Tensor, p2: Tensor, outer: Tensor, inner: Tensor, groups: int) -> Tensor:
        index_map = shuffle_map(outer, inner, groups)
        y = gather_channels(x, index_map)
        # Looking at the values would stall a GPU's queue and break a compiled graph, so there the way that is right for
        # every map is taken.
        may_look = x.device.type == "cpu" and not torch.compiler.is_compiling()
        ctx.inverted = may_look and groups <= MOST_GROUPS and _is_shared_permutation(outer, inner)
        # A permutation loses nothing: its output, which the next layer keeps anyway, serves instead of its input.
        ctx.save_for_backward(y if ctx.inverted else x, outer, inner, index_map)
        ctx.groups = groups
        ctx.dtypes = p1.dtype, p2.dtype
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None, None]:
        kept, outer, inner, index_map = ctx.saved_tensors
        layout = torch.channels_last if is_channels_last(kept) else torch.contiguous_format
        grad = grad.contiguous(memory_format=layout)
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = gather_channels(grad, inverse(index_map)) if ctx.inverted else scatter_channels(grad, index_map)
        if not (ctx.needs_input_grad[1] or ctx.needs_input_grad[2]):
            return grad_x, None, None, None, None, None
        gradients = _permuted_gradients if ctx.inverted else _factor_gradients
        grad_p1, grad_p2 = gradients(kept, grad, outer, inner, ctx.groups)
        return grad_x, grad_p1.to(ctx.dtypes[0]), grad_p2.to(ctx.dtypes[1]), None, None, None


def _is_shared_permutation(outer: Tensor, inner: Tensor) -> bool:
    """Whether every factor of every image is a permutation that all groups share."""
    shared = outer.shape[1] == inner.shape[1] == 1
    return shared and bool(is_permutation(outer).all() and is_permutation(inner).all())


def _permuted_gradients(y: Tensor, grad: Tensor, outer: Tensor, inner: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """dP1 = (dY Y^T) H1 and dP2 = (dY^T Y) H2: the factor gradients at permutations, from the output, without a copy.

    They follow from those of `_factor_gradients` by X H2^T = H1^T Y and H1 X = Y H2, which hold where H^T H = I. The channels of
    the output lie as (n1 n2 g), so that both products read both tensors where they are.

    Args:
        y: Output, `float[b (n1 n2 g) h w]`.
        grad: Its gradient, in the same layout.
        outer: `int[b|1 1 n1]`.
        inner: `int[b|1 1 n2]`.
        groups: g.
    """
    b, _, h, w = y.shape
    n1, n2 = outer.shape[-1], inner.shape[-1]
    if is_channels_last(y):
        rows, kept = (tensor.permute(0, 2, 3, 1).reshape(b, h * w, n1, n2 * groups) for tensor in (grad, y))
        by_position = rows.flatten(0, 1) @ kept.flatten(0, 1).transpose(1, 2)
        first = by_position.view(b, h * w, n1, n1).sum(1)
        both = rows.flatten(1, 2).transpose(1, 2) @ kept.flatten(1, 2)
        second = both.view(b, n2, groups, n2, groups).diagonal(dim1=2, dim2=4).sum(-1)
    else:
        first = grad.reshape(b, n1, -1) @ y.reshape(b, n1, -1).transpose(1, 2)
        by_row = grad.reshape(b * n1, n2, -1) @ y.reshape(b * n1, n2, -1).transpose(1, 2)
        second = by_row.view(b, n1, n2, n2).sum(1)
    return _read_back(first.unsqueeze(1), outer), _read_back(second.unsqueeze(1), inner)


def _read_back(product: Tensor, rows: Tensor) -> Tensor:
    """The product with H, for hard rows that are permutations: `float[b 1 n n], int[b|1 1 n] -> float[b|1 1 n n]`."""
    if rows.shape[0] == 1:
        product = product.sum(0, keepdim=True)
    return product.gather(-1, inverse(rows).unsqueeze(-2).expand_as(product))


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
