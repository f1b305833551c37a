"""The hard Kronecker shuffle: one gather forward, straight-through to the soft factors backward.

Axes: b images, c = g i1 i2 channels in, d = g o1 o2 channels out, h w positions, o1 i1 and o2 i2 rows and columns of the factors,
which are n1 and n2 where they are square.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from search_spaces.blocks.factors.factors import hard_rows
from search_spaces.blocks.permutations.channel_gather import gather_channels, scatter_channels
from search_spaces.blocks.permutations.layout import is_channels_last
from search_spaces.blocks.permutations.permutation import (
    cross_group_shuffle,
    grouped,
    inverse,
    is_permutation,
    kronecker,
    shuffle_map,
)

MOST_GROUPS = 4
"""Up to so many groups, products over permuted channels are cheaper than reading them in another order first."""
SMALL_PRODUCT = 1024
"""Below so many multiply-adds per position, the products of all positions are joined into one, although that copies both
tensors: it took 0.6 instead of 1.6 ms for 64 images of 32 channels at 16x16 positions, and the same time at 128 channels.
"""


def index_shuffle(x: Tensor, p1: Tensor, p2: Tensor, groups: int, rows: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """S_g (I_g (x) H1 (x) H2) x with H hard rows of P, and the gradient of the bilinear map at (H1, H2) for P1 and P2.

    Equal in value and gradient to `kronecker_shuffle(x, straight_through(p1), straight_through(p2), groups)`.

    Args:
        x: Input `float[b c h w]`, in any memory layout; the output, `float[b d h w]`, has the same layout.
        p1: Soft outer factor `float[b|1 g|1 o1 i1]`; a dimension of 1 is shared.
        p2: Soft inner factor `float[b|1 g|1 o2 i2]`.
        groups: Number of groups, g.
        rows: The hard rows, `int[b|1 g|1 o1]` and `int[b|1 g|1 o2]`. Default: the largest entry of each row.
    """
    outer, inner = rows if rows is not None else (hard_rows(p1), hard_rows(p2))
    result: Tensor = _IndexShuffle.apply(x, p1, p2, outer, inner, groups)  # type: ignore[no-untyped-call]
    return result


class _IndexShuffle(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, p1: Tensor, p2: Tensor, outer: Tensor, inner: Tensor, groups: int) -> Tensor:
        ctx.columns = p1.shape[-1], p2.shape[-1]
        index_map = shuffle_map(outer, inner, groups, ctx.columns)
        y = gather_channels(x, index_map)
        square = ctx.columns == (outer.shape[-1], inner.shape[-1])
        # Looking at the values would stall a GPU's queue and break a compiled graph, so there the way that is right for
        # every map is taken.
        may_look = x.device.type == "cpu" and not torch.compiler.is_compiling()
        ctx.inverted = may_look and groups <= MOST_GROUPS and square and _is_shared_permutation(outer, inner)
        # A permutation loses nothing, so its output, which the next layer keeps anyway, replaces its input.
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
            channels = kept.shape[1]
            by = inverse(index_map) if ctx.inverted else index_map
            grad_x = gather_channels(grad, by) if ctx.inverted else scatter_channels(grad, by, channels)
        if not (ctx.needs_input_grad[1] or ctx.needs_input_grad[2]):
            return grad_x, None, None, None, None, None
        if ctx.inverted:
            grad_p1, grad_p2 = _permuted_gradients(kept, grad, outer, inner, ctx.groups)
        else:
            grad_p1, grad_p2 = _factor_gradients(kept, grad, outer, inner, ctx.groups, ctx.columns)
        return grad_x, grad_p1.to(ctx.dtypes[0]), grad_p2.to(ctx.dtypes[1]), None, None, None


def _is_shared_permutation(outer: Tensor, inner: Tensor) -> bool:
    """Whether every factor of every image is square and a permutation that all groups share."""
    shared = outer.shape[1] == inner.shape[1] == 1
    return shared and bool(is_permutation(outer).all() and is_permutation(inner).all())


def _permuted_gradients(y: Tensor, grad: Tensor, outer: Tensor, inner: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """dP1 = (dY Y^T) H1 and dP2 = (dY^T Y) H2: the factor gradients at permutations, from the output, without a copy.

    They follow from those of `_factor_gradients` by X H2^T = H1^T Y and H1 X = Y H2, which hold if H^T H = I. That is so
    only for square factors, since the input of a rectangular one cannot be recovered from its output. The channels of the
    output are in the order (n1 n2 g), so that both products read both tensors in place.

    Args:
        y: Output, `float[b (n1 n2 g) h w]`.
        grad: Its gradient, in the same layout.
        outer: Hard rows of P1, `int[b|1 1 n1]`.
        inner: Hard rows of P2, `int[b|1 1 n2]`.
        groups: Number of groups, g.
    """
    b, _, h, w = y.shape
    n1, n2 = outer.shape[-1], inner.shape[-1]
    if is_channels_last(y):
        rows, kept = (tensor.permute(0, 2, 3, 1).reshape(b, h * w, n1, n2 * groups) for tensor in (grad, y))
        if n1 * n1 * n2 * groups < SMALL_PRODUCT:
            wide, wide_kept = (tensor.transpose(1, 2).reshape(b, n1, -1) for tensor in (rows, kept))
            first = wide @ wide_kept.transpose(1, 2)
        else:
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


def _factor_gradients(
    x: Tensor, grad: Tensor, outer: Tensor, inner: Tensor, groups: int, columns: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """dP1 = dY (X H2^T)^T and dP2 = dY^T (H1 X), summed over positions and whatever shares a factor.

    Args:
        x: Input, `float[b c h w]`.
        grad: Gradient of the output, `float[b d h w]`, in the layout of `x`.
        outer: Hard rows of P1, `int[b|1 g|1 o1]`.
        inner: Hard rows of P2, `int[b|1 g|1 o2]`.
        groups: Number of groups, g.
        columns: Numbers of columns of the factors, i1 and i2.
    """
    i1, i2 = columns
    o1, o2 = outer.shape[-1], inner.shape[-1]
    every_outer, every_inner = (torch.arange(n, device=x.device) for n in columns)
    inner_read = grouped(kronecker(every_outer.expand(*outer.shape[:-1], i1), inner, i2), groups, i1 * i2)
    outer_read = grouped(kronecker(outer, every_inner.expand(*inner.shape[:-1], i2), i2), groups, i1 * i2)
    made = (groups, o1, o2)
    return (
        _factor_gradient(x, grad, inner_read, outer, (made, (groups, i1, o2)), kept=1),
        _factor_gradient(x, grad, outer_read, inner, (made, (groups, o1, i2)), kept=2),
    )


def _factor_gradient(
    x: Tensor,
    grad: Tensor,
    read: Tensor,
    rows: Tensor,
    sizes: tuple[tuple[int, int, int], tuple[int, int, int]],
    kept: int,
) -> Tensor:
    """The gradient of one factor, as a product of two matrices over positions, the other factor's axis and shared groups.

    Each matrix is one gather that reads channels in the order in which the product needs no further copy.

    Args:
        x: Input, `float[b c h w]`.
        grad: Gradient of the output, in the layout of `x`.
        read: Index map by which the other, hard factor reads the input, `int[b|1 c']`.
        rows: Hard rows of this factor, `int[b|1 g|1 o]`, for its shape.
        sizes: Groups and sizes of both axes in the output, and in what the other factor has read.
        kept: The axis that belongs to the factor.
    """
    groups = sizes[0][0]
    per_group = rows.shape[1] > 1
    last = is_channels_last(x)
    axes = (0, 3 - kept, kept) if last else (0, kept, 3 - kept) if per_group else (kept, 0, 3 - kept)
    made, seen = (torch.arange(math.prod(s), device=x.device).view(s).permute(axes).reshape(-1) for s in sizes)
    # The shuffle over n groups undoes the one over g.
    unshuffled = cross_group_shuffle(len(made), len(made) // groups, x.device)[made]

    def as_matrix(features: Tensor, length: int) -> Tensor:
        """`float[b c' h w] -> float[b g|1 length K]`."""
        b, _, h, w = features.shape
        lead = groups if per_group else 1
        if not last:
            return features.reshape(b, lead, length, -1)
        grid = features.permute(0, 2, 3, 1).reshape(b, h * w, lead, -1, length)
        return grid.transpose(1, 2).reshape(b, lead, -1, length).transpose(-1, -2)

    target = as_matrix(gather_channels(grad, unshuffled[None]), sizes[0][kept])
    source = as_matrix(gather_channels(x, read[:, seen]), sizes[1][kept])
    gradient = target @ source.transpose(-1, -2)
    return gradient.sum(0, keepdim=True) if rows.shape[0] == 1 else gradient
