"""Deployed Kronecker matrices of free weights: alone, added to a permutation, or combined with one factor by factor.

Axes: b images, g groups, c = g i1 i2 channels in, o1 i1 and o2 i2 rows and columns of the factors, r terms, h w positions.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from module_protocols import Counted
from search_spaces.blocks.factors.factor_rows import RowGenerator, RowTable
from search_spaces.blocks.permutations.kronecker_shuffle import summed_terms, terms_together, two_products
from search_spaces.blocks.spec import KroneckerShape


def deployed_matrix(outer: Tensor, inner: Tensor, groups: int) -> nn.Module:
    """S_g (I_g (x) sum_r W1r (x) W2r) in its cheaper form: a 1x1 convolution and a shuffle, or products with the factors.

    Args:
        outer: W1, `float[r o1 i1]`.
        inner: W2, `float[r o2 i2]`.
        groups: Number of groups, g.
    """
    (terms, o1, i1), (_, o2, i2) = outer.shape, inner.shape
    shape = KroneckerShape(groups=groups, outer=(o1, i1), inner=(o2, i2))
    if not shape.is_dense(terms):
        return KroneckerMatrix(outer, inner, groups)
    convolution = nn.Conv2d(shape.inputs, shape.outputs, 1, groups=groups, bias=False)
    weight = summed_terms(outer, inner).detach().repeat(groups, 1)[:, :, None, None]
    convolution.weight = nn.Parameter(weight, requires_grad=False)
    return nn.Sequential(convolution, nn.ChannelShuffle(groups)) if groups > 1 else convolution


class KroneckerMatrix(nn.Module, Counted):
    """S_g (I_g (x) sum_r W1r (x) W2r) x by its factors, all terms in two products; see `terms_together`.

    Args:
        outer: W1, `float[r o1 i1]`.
        inner: W2, `float[r o2 i2]`.
        groups: Number of groups, g.
    """

    def __init__(self, outer: Tensor, inner: Tensor, groups: int) -> None:
        super().__init__()
        self.groups = groups
        self.outer = nn.Parameter(outer.detach(), requires_grad=False)
        self.inner = nn.Parameter(inner.detach(), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b (g i1 i2) h w] -> float[b (o1 o2 g) h w]`, in the memory layout of the input."""
        return terms_together(x, self.outer, self.inner, self.groups)

    def extra_repr(self) -> str:
        """The sizes that `repr` shows."""
        return f"groups={self.groups}, outer={tuple(self.outer.shape)}, inner={tuple(self.inner.shape)}"

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-adds of both products for each term; see `KroneckerShape.multiply_adds`."""
        b, _, h, w = input_shape
        (terms, o1, i1), (_, o2, i2) = self.outer.shape, self.inner.shape
        return b * h * w * terms * KroneckerShape(groups=self.groups, outer=(o1, i1), inner=(o2, i2)).multiply_adds

    def deployed_parameters(self) -> int:
        """The number of entries of both factors."""
        return self.outer.numel() + self.inner.numel()


class GatherMatrixSum(nn.Module):
    """The sum of the outputs of a permutation and of a matrix.

    Args:
        gather: The permutation.
        matrix: The matrix.
    """

    def __init__(self, gather: nn.Module, matrix: nn.Module) -> None:
        super().__init__()
        self.gather = gather
        self.matrix = matrix

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b d h w]`."""
        summed: Tensor = self.gather(x) + self.matrix(x)
        return summed


class FactorSum(nn.Module, Counted):
    """S_g (I_g (x) (P1 + W1) (x) (P2 + W2)) x with hard rows P of each image.

    Args:
        rows: Gives the hard rows of both factors.
        outer: W1, `float[1 o1 i1]`.
        inner: W2, `float[1 o2 i2]`.
        groups: Number of groups, g.
    """

    def __init__(self, rows: RowGenerator | RowTable, outer: Tensor, inner: Tensor, groups: int) -> None:
        super().__init__()
        self.rows = rows
        self.outer = nn.Parameter(outer.detach(), requires_grad=False)
        self.inner = nn.Parameter(inner.detach(), requires_grad=False)
        self.groups = groups
        self.shape = KroneckerShape(
            groups=groups, outer=(outer.shape[1], outer.shape[2]), inner=(inner.shape[1], inner.shape[2])
        )

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b d h w]`."""
        outer, inner = self.rows(x)
        p1, p2 = (
            F.one_hot(rows, weight.shape[-1]) + weight for rows, weight in ((outer, self.outer), (inner, self.inner))
        )
        return two_products(x, p1, p2, self.groups)

    def extra_repr(self) -> str:
        """The sizes that `repr` shows."""
        return f"groups={self.groups}"

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-adds of both products; see `KroneckerShape.multiply_adds`."""
        b, _, h, w = input_shape
        return b * h * w * self.shape.multiply_adds

    def deployed_parameters(self) -> int:
        """The number of entries of both factors."""
        return self.outer.numel() + self.inner.numel()
