"""S_g (I_g (x) P1 (x) P2) applied to feature maps as two small products, without ever building the c x c matrix.

Axes: b images, c = g i1 i2 channels in, d = g o1 o2 channels out, h w positions, o1 i1 and o2 i2 rows and columns of the factors.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from search_spaces.blocks import permutation
from search_spaces.blocks.layout import is_channels_last
from search_spaces.blocks.spec import inner_first


def kronecker_shuffle(x: Tensor, p1: Tensor, p2: Tensor, groups: int) -> Tensor:
    """Y = P1 X P2^T for each group's channels as an i1 x i2 matrix X, then the cross-group shuffle: `float[b d h w]`.

    The product that comes first is the one that makes the pair cheaper (`KroneckerShape.multiply_adds`). The output has the memory
    layout of the input.

    Args:
        x: `float[b c h w]`.
        p1: `float[b|1 g|1 o1 i1]`; a dimension of 1 is shared.
        p2: `float[b|1 g|1 o2 i2]`.
        groups: g.
    """
    b, _, h, w = x.shape
    (o1, i1), (o2, i2) = p1.shape[-2:], p2.shape[-2:]
    first = inner_first((o1, i1), (o2, i2))
    if is_channels_last(x):
        grid = x.permute(0, 2, 3, 1).reshape(b, h * w, groups, i1, i2)
        if first:
            mixed = torch.einsum("bxgim,bgli->bxlmg", torch.einsum("bxgij,bgmj->bxgim", grid, p2), p1)
        else:
            mixed = torch.einsum("bxglj,bgmj->bxlmg", torch.einsum("bxgij,bgli->bxglj", grid, p1), p2)
        return mixed.reshape(b, h, w, -1).permute(0, 3, 1, 2)
    grid = x.reshape(b, groups, i1, i2, h * w)
    if first:
        mixed = torch.einsum("bgimx,bgli->blmgx", torch.einsum("bgijx,bgmj->bgimx", grid, p2), p1)
    else:
        mixed = torch.einsum("bgljx,bgmj->blmgx", torch.einsum("bgijx,bgli->bgljx", grid, p1), p2)
    return mixed.reshape(b, -1, h, w)


def kronecker_sum(x: Tensor, outer: Tensor, inner: Tensor, groups: int) -> Tensor:
    """S_g (I_g (x) sum_r W1r (x) W2r) x with matrices that all images and groups share.

    Args:
        x: `float[b c h w]`.
        outer: W1, `float[r o1 i1]`.
        inner: W2, `float[r o2 i2]`.
        groups: g.
    """
    terms = [
        kronecker_shuffle(x, w1[None, None], w2[None, None], groups)
        for w1, w2 in zip(outer.unbind(), inner.unbind(), strict=True)
    ]
    return functools.reduce(torch.add, terms)


def dense_matrix(p1: Tensor, p2: Tensor, groups: int) -> Tensor:
    """The d x c matrix of the same map, for checking: `float[... g|1 o1 i1], float[... g|1 o2 i2] -> float[... d c]`."""
    product = torch.einsum("...ij,...kl->...ikjl", p1, p2).flatten(-4, -3).flatten(-2, -1)
    lead, (rows, columns) = product.shape[:-3], product.shape[-2:]
    blocks = product.expand(*lead, groups, rows, columns)
    diagonal = torch.zeros(*lead, groups, rows, groups, columns, dtype=product.dtype, device=product.device)
    for k in range(groups):
        diagonal[..., k, :, k, :] = blocks[..., k, :, :]
    full = diagonal.flatten(-4, -3).flatten(-2, -1)
    return full[..., permutation.cross_group_shuffle(groups * rows, groups, full.device), :]
