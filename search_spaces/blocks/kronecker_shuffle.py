"""S_g (I_g (x) P1 (x) P2) applied to feature maps as two small products, without ever building the c x c matrix.

Axes: b images, c = g n1 n2 channels, h w positions, i1 j1 and i2 j2 rows and columns of the factors.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from search_spaces.blocks import permutation
from search_spaces.blocks.layout import is_channels_last


def kronecker_shuffle(x: Tensor, p1: Tensor, p2: Tensor, groups: int) -> Tensor:
    """Y = P1 X P2^T for each group's channels as an n1 x n2 matrix X, then the cross-group shuffle.

    Takes c (n1 + n2) multiply-adds a position. The output has the memory layout of the input.

    Args:
        x: `float[b c h w]`.
        p1: `float[b|1 g|1 n1 n1]`; a dimension of 1 is shared.
        p2: `float[b|1 g|1 n2 n2]`.
        groups: g.
    """
    b, c, h, w = x.shape
    n1, n2 = p1.shape[-1], p2.shape[-1]
    if is_channels_last(x):
        grid = x.permute(0, 2, 3, 1).reshape(b, h * w, groups, n1, n2)
        inner = torch.einsum("bxgij,bgmj->bxgim", grid, p2)
        mixed = torch.einsum("bxgim,bgli->bxlmg", inner, p1)
        return mixed.reshape(b, h, w, c).permute(0, 3, 1, 2)
    grid = x.reshape(b, groups, n1, n2, h * w)
    inner = torch.einsum("bgijx,bgmj->bgimx", grid, p2)
    mixed = torch.einsum("bgimx,bgli->blmgx", inner, p1)
    return mixed.reshape(b, c, h, w)


def kronecker_sum(x: Tensor, outer: Tensor, inner: Tensor, groups: int) -> Tensor:
    """S_g (I_g (x) sum_r W1r (x) W2r) x with matrices that all images and groups share.

    Args:
        x: `float[b c h w]`.
        outer: W1, `float[r n1 n1]`.
        inner: W2, `float[r n2 n2]`.
        groups: g.
    """
    terms = [
        kronecker_shuffle(x, w1[None, None], w2[None, None], groups)
        for w1, w2 in zip(outer.unbind(), inner.unbind(), strict=True)
    ]
    return functools.reduce(torch.add, terms)


def dense_matrix(p1: Tensor, p2: Tensor, groups: int) -> Tensor:
    """The c x c matrix of the same map, for checking: `float[... g|1 n1 n1], float[... g|1 n2 n2] -> float[... c c]`."""
    n1, n2 = p1.shape[-1], p2.shape[-1]
    n = n1 * n2
    product = torch.einsum("...ij,...kl->...ikjl", p1, p2).flatten(-4, -3).flatten(-2, -1)
    lead = product.shape[:-3]
    blocks = product.expand(*lead, groups, n, n)
    diagonal = torch.zeros(*lead, groups, n, groups, n, dtype=product.dtype, device=product.device)
    for k in range(groups):
        diagonal[..., k, :, k, :] = blocks[..., k, :, :]
    full = diagonal.flatten(-4, -3).flatten(-2, -1)
    return full[..., permutation.cross_group_shuffle(groups * n, groups, full.device), :]
