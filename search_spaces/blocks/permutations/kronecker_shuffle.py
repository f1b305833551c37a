"""S_g (I_g (x) M) applied to feature maps, where M is a Kronecker product of two factors or a sum of such products.

The same map has three forms (`Form`). The choice of the fastest one depends on sizes only, so that a training is the same
on every machine of a kind; `benchmarks.kronecker_forms` measures it.

Axes: b images, c = g i1 i2 channels in, d = g o1 o2 channels out, h w positions, o1 i1 and o2 i2 rows and columns of the factors,
o = o1 o2 and i = i1 i2 those of their product, r terms.
"""

from __future__ import annotations

from enum import Enum

import torch
import torch.nn.functional as F
from torch import Tensor

from search_spaces.blocks.channel_shuffle import channel_shuffle
from search_spaces.blocks.factors.precision import full_precision
from search_spaces.blocks.permutations.layout import is_channels_last
from search_spaces.blocks.spec import KroneckerShape, inner_first

LARGEST_WHOLE = 64 * 64
"""Up to so many entries, a matrix over all channels that all images share is as fast as one over the channels of a group and a
shuffle, since the product is cheap and moving channels is not.
"""
LARGEST_WHOLE_OF_IMAGE = 32 * 32
"""The same limit for a matrix per image."""
LARGEST_BLOCK_OF_IMAGE = 64 * 64
"""Up to so many entries, one product with a matrix per image is faster than two with its factors."""
DENSE_IS_FASTER = 6
"""Two products with the factors of a shared matrix are faster than one if they have this many times fewer multiply-adds."""


class Form(Enum):
    """A way to apply S_g (I_g (x) M)."""

    WHOLE = "whole"
    """One product with the d x c matrix of the whole map."""
    BLOCKS = "blocks"
    """One product per group with M, then the shuffle over the groups."""
    FACTORS = "factors"
    """Two products per group with the factors of M."""


def shared_form(shape: KroneckerShape, terms: int = 1) -> Form:
    """The fastest form of a map that all images share.

    Args:
        shape: Sizes of the map.
        terms: Number of Kronecker products whose sum is M, r.
    """
    if shape.dense_multiply_adds > DENSE_IS_FASTER * terms * shape.multiply_adds:
        return Form.FACTORS
    return _dense_form(shape, LARGEST_WHOLE)


def image_form(shape: KroneckerShape) -> Form:
    """The fastest form of a map that each image has of its own."""
    if shape.dense_multiply_adds // shape.groups > LARGEST_BLOCK_OF_IMAGE:
        return Form.FACTORS
    return _dense_form(shape, LARGEST_WHOLE_OF_IMAGE)


def _dense_form(shape: KroneckerShape, largest_whole: int) -> Form:
    whole = shape.groups == 1 or shape.inputs * shape.outputs <= largest_whole
    return Form.WHOLE if whole else Form.BLOCKS


def kronecker_shuffle(
    x: Tensor, p1: Tensor, p2: Tensor, groups: int, static: tuple[Tensor, Tensor] | None = None
) -> Tensor:
    """S_g (I_g (x) P1 (x) P2) x, in the fastest form: `float[b d h w]`, in the memory layout of the input.

    Args:
        x: Input `float[b c h w]`.
        p1: Outer factor `float[b|1 g|1 o1 i1]`; a dimension of 1 is shared.
        p2: Inner factor `float[b|1 g|1 o2 i2]`.
        groups: Number of groups, g.
        static: W1, `float[r o1 i1]`, and W2, `float[r o2 i2]`, of a sum_r W1r (x) W2r that is added to P1 (x) P2.
    """
    shape = _shape(p1, p2, groups)
    form = shared_form(shape) if len(p1) == len(p2) == 1 else image_form(shape)
    if form is Form.FACTORS:
        mixed = two_products(x, p1, p2, groups)
        return mixed if static is None else mixed + kronecker_sum(x, *static, groups)
    blocks = kronecker_product(p1, p2)
    return apply_blocks(x, blocks if static is None else blocks + summed_terms(*static), groups, form)


def kronecker_sum(x: Tensor, outer: Tensor, inner: Tensor, groups: int) -> Tensor:
    """S_g (I_g (x) sum_r W1r (x) W2r) x, in the fastest form: `float[b d h w]`, in the memory layout of the input.

    Args:
        x: Input `float[b c h w]`.
        outer: W1, `float[r o1 i1]`, shared by all images and groups.
        inner: W2, `float[r o2 i2]`.
        groups: Number of groups, g.
    """
    form = shared_form(_shape(outer, inner, groups), terms=len(outer))
    if form is Form.FACTORS:
        return terms_together(x, outer, inner, groups)
    return apply_blocks(x, summed_terms(outer, inner)[None, None], groups, form)


def kronecker_product(p1: Tensor, p2: Tensor) -> Tensor:
    """`float[... o1 i1], float[... o2 i2] -> float[... (o1 o2) (i1 i2)]`."""
    product = p1[..., :, None, :, None] * p2[..., None, :, None, :]
    return product.flatten(-4, -3).flatten(-2, -1)


def summed_terms(outer: Tensor, inner: Tensor) -> Tensor:
    """sum_r W1r (x) W2r, not rounded by autocast: `float[r o1 i1], float[r o2 i2] -> float[(o1 o2) (i1 i2)]`."""
    (r, o1, i1), (_, o2, i2) = outer.shape, inner.shape
    with full_precision(outer):
        products = outer.reshape(r, -1).t() @ inner.reshape(r, -1)
    return products.view(o1, i1, o2, i2).transpose(1, 2).reshape(o1 * o2, i1 * i2)


def whole_matrix(blocks: Tensor, groups: int) -> Tensor:
    """The matrix of S_g (I_g (x) M): `float[... g|1 o i] -> float[... (o g) (g i)]`."""
    own = torch.eye(groups, dtype=blocks.dtype, device=blocks.device)
    matrix = blocks.transpose(-3, -2).unsqueeze(-2) * own.unsqueeze(-1)  # ... o g g i
    return matrix.flatten(-4, -3).flatten(-2, -1)


def dense_matrix(p1: Tensor, p2: Tensor, groups: int) -> Tensor:
    """The matrix of S_g (I_g (x) P1 (x) P2): `float[... g|1 o1 i1], float[... g|1 o2 i2] -> float[... d c]`."""
    return whole_matrix(kronecker_product(p1, p2), groups)


def two_products(x: Tensor, p1: Tensor, p2: Tensor, groups: int) -> Tensor:
    """Y = P1 X P2^T for each group's channels as an i1 x i2 matrix X, then the cross-group shuffle: `float[b d h w]`.

    The products are in the cheaper order (`KroneckerShape.multiply_adds`). The output has the memory layout of the input.
    For the arguments see `kronecker_shuffle`.
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


def terms_together(x: Tensor, outer: Tensor, inner: Tensor, groups: int) -> Tensor:
    """S_g (I_g (x) sum_r W1r (x) W2r) x with all terms in two products, side by side in both factors.

    In the factor that comes first (the one that makes the pair cheaper) the terms are additional rows, in the second factor
    additional columns. For the arguments see `kronecker_sum`.
    """
    return _by_positions(x, outer, inner, groups) if is_channels_last(x) else _by_channels(x, outer, inner, groups)


def _by_positions(x: Tensor, outer: Tensor, inner: Tensor, groups: int) -> Tensor:
    b, _, h, w = x.shape
    (r, o1, i1), (_, o2, i2) = outer.shape, inner.shape
    rows = x.permute(0, 2, 3, 1)
    if inner_first((o1, i1), (o2, i2)):
        first = F.linear(rows.reshape(-1, i2), inner.flatten(0, 1)).view(-1, i1, r, o2)
        both = F.linear(first.permute(0, 3, 1, 2).reshape(-1, o2, i1 * r), outer.permute(1, 2, 0).flatten(1))
        mixed = both.view(b, h, w, groups, o2, o1).permute(0, 1, 2, 5, 4, 3)
    else:
        grid = rows.reshape(-1, i1, i2).transpose(1, 2)
        first = F.linear(grid, outer.flatten(0, 1)).view(-1, i2, r, o1)
        both = F.linear(first.permute(0, 3, 1, 2).reshape(-1, o1, i2 * r), inner.permute(1, 2, 0).flatten(1))
        mixed = both.view(b, h, w, groups, o1, o2).permute(0, 1, 2, 4, 5, 3)
    return mixed.reshape(b, h, w, -1).permute(0, 3, 1, 2)


def _by_channels(x: Tensor, outer: Tensor, inner: Tensor, groups: int) -> Tensor:
    b, _, h, w = x.shape
    (r, o1, i1), (_, o2, i2) = outer.shape, inner.shape
    if inner_first((o1, i1), (o2, i2)):
        first = _times(inner.flatten(0, 1), x.reshape(-1, i2, h * w)).view(-1, i1 * r, o2 * h * w)
        both = _times(outer.permute(1, 2, 0).flatten(1), first)
    else:
        first = _times(outer.transpose(0, 1).flatten(0, 1), x.reshape(-1, i1, i2 * h * w)).view(-1, r * i2, h * w)
        both = _times(inner.transpose(0, 1).flatten(1), first)
    return both.view(b, groups, o1 * o2, h * w).transpose(1, 2).reshape(b, -1, h, w)


def _times(weight: Tensor, x: Tensor) -> Tensor:
    """The product of one matrix with many, `float[m k], float[n k x] -> float[n m x]`; `matmul` would copy them first."""
    return torch.bmm(weight.expand(x.shape[0], -1, -1), x)


def apply_blocks(x: Tensor, blocks: Tensor, groups: int, form: Form) -> Tensor:
    """S_g (I_g (x) M) x in one product with M: `float[b c h w], float[b|1 g|1 o i] -> float[b d h w]`."""
    if form is Form.WHOLE:
        whole = whole_matrix(blocks, groups)
        if len(whole) == 1:
            return F.conv2d(x, whole[0, :, :, None, None])
        return _of_each_image(x, whole[:, None], 1)
    if len(blocks) == 1:
        weight = blocks[0].expand(groups, -1, -1).flatten(0, 1)
        return channel_shuffle(F.conv2d(x, weight[:, :, None, None], groups=groups), groups)
    return _of_each_image(x, blocks, groups)


def _of_each_image(x: Tensor, blocks: Tensor, groups: int) -> Tensor:
    """S_g (I_g (x) M) x with one M per image: `float[b c h w], float[b g|1 o i] -> float[b (o g) h w]`."""
    b, _, h, w = x.shape
    o, i = blocks.shape[-2:]
    if not is_channels_last(x):
        return channel_shuffle(torch.matmul(blocks, x.reshape(b, groups, i, h * w)).view(b, -1, h, w), groups)
    rows = x.permute(0, 2, 3, 1)
    if blocks.shape[1] == 1:
        made = torch.bmm(rows.reshape(b, h * w * groups, i), blocks[:, 0].transpose(1, 2))
        mixed = made.view(b, h, w, groups, o).transpose(3, 4)
    else:
        grid = rows.reshape(b, h * w, groups, i).transpose(1, 2)
        mixed = torch.matmul(grid, blocks.transpose(2, 3)).view(b, groups, h, w, o).permute(0, 2, 3, 4, 1)
    return mixed.reshape(b, h, w, -1).permute(0, 3, 1, 2)


def _shape(outer: Tensor, inner: Tensor, groups: int) -> KroneckerShape:
    """Sizes of factors `float[... o1 i1]` and `float[... o2 i2]`."""
    (o1, i1), (o2, i2) = outer.shape[-2:], inner.shape[-2:]
    return KroneckerShape(groups=groups, outer=(o1, i1), inner=(o2, i2))
