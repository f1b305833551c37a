"""Deployed Kronecker matrices of free weights: alone, beside a permutation, or joined with one factor by factor.

Axes: b images, g groups, c = g i1 i2 channels in, o1 i1 and o2 i2 rows and columns of the factors, r terms, h w positions.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas.ports import Counted
from search_spaces.blocks.factor_rows import RowGenerator, RowTable
from search_spaces.blocks.kronecker_shuffle import kronecker_shuffle
from search_spaces.blocks.layout import is_channels_last
from search_spaces.blocks.spec import KroneckerShape, inner_first


class KroneckerMatrix(nn.Module, Counted):
    """S_g (I_g (x) sum_r W1r (x) W2r) x, all terms in two products: the terms lie beside each other in both factors.

    The product that comes first is the one that makes the pair cheaper.

    Args:
        outer: W1, `float[r o1 i1]`.
        inner: W2, `float[r o2 i2]`.
        groups: g.
    """

    def __init__(self, outer: Tensor, inner: Tensor, groups: int) -> None:
        super().__init__()
        self.terms, self.o1, self.i1 = outer.shape
        _, self.o2, self.i2 = inner.shape
        self.groups = groups
        self.inner_first = inner_first((self.o1, self.i1), (self.o2, self.i2))
        # Of the first factor the terms are more rows, of the second more columns.
        if self.inner_first:
            outer, inner = outer.permute(1, 2, 0).flatten(1), inner.flatten(0, 1)
        else:
            outer, inner = outer.transpose(0, 1).flatten(0, 1), inner.transpose(0, 1).flatten(1)
        self.outer = nn.Parameter(outer.detach(), requires_grad=False)
        self.inner = nn.Parameter(inner.detach(), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b (g i1 i2) h w] -> float[b (o1 o2 g) h w]`, in the memory layout of the input."""
        return self._by_positions(x) if is_channels_last(x) else self._by_channels(x)

    def _by_channels(self, x: Tensor) -> Tensor:
        b, _, h, w = x.shape
        if self.inner_first:
            grid = x.reshape(-1, self.i2, h * w)
            first = _times(self.inner, grid).view(-1, self.i1 * self.terms, self.o2 * h * w)
            both = _times(self.outer, first)
        else:
            grid = x.reshape(-1, self.i1, self.i2 * h * w)
            first = _times(self.outer, grid).view(-1, self.terms * self.i2, h * w)
            both = _times(self.inner, first)
        return both.view(b, self.groups, self.o1 * self.o2, h * w).transpose(1, 2).reshape(b, -1, h, w)

    def _by_positions(self, x: Tensor) -> Tensor:
        b, _, h, w = x.shape
        rows = x.permute(0, 2, 3, 1)
        if self.inner_first:
            first = F.linear(rows.reshape(-1, self.i2), self.inner).view(-1, self.i1 * self.terms, self.o2)
            both = F.linear(first.transpose(1, 2), self.outer).view(b, h, w, self.groups, self.o2, self.o1)
            mixed = both.permute(0, 1, 2, 5, 4, 3)
        else:
            grid = rows.reshape(-1, self.i1, self.i2).transpose(1, 2)
            first = F.linear(grid, self.outer).view(-1, self.i2, self.o1, self.terms).permute(0, 2, 3, 1)
            both = F.linear(first.flatten(2), self.inner).view(b, h, w, self.groups, self.o1, self.o2)
            mixed = both.permute(0, 1, 2, 4, 5, 3)
        return mixed.reshape(b, h, w, -1).permute(0, 3, 1, 2)

    def extra_repr(self) -> str:
        """Shown by `repr`."""
        return f"groups={self.groups}, outer={self.o1}x{self.i1}, inner={self.o2}x{self.i2}, terms={self.terms}"

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Both products for each term; see `KroneckerShape.multiply_adds`."""
        b, _, h, w = input_shape
        shape = KroneckerShape(groups=self.groups, outer=(self.o1, self.i1), inner=(self.o2, self.i2))
        return b * h * w * self.terms * shape.multiply_adds

    def deployed_parameters(self) -> int:
        """Both factors."""
        return self.outer.numel() + self.inner.numel()


def _times(weight: Tensor, x: Tensor) -> Tensor:
    """The product of one matrix with many, `float[m k], float[n k x] -> float[n m x]`; `matmul` would copy them first."""
    return torch.bmm(weight.expand(x.shape[0], -1, -1), x)


class GatherMatrixSum(nn.Module):
    """What a permutation and a matrix give, added.

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
        groups: g.
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
        return kronecker_shuffle(x, p1, p2, self.groups)

    def extra_repr(self) -> str:
        """Shown by `repr`."""
        return f"groups={self.groups}"

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Both products; see `KroneckerShape.multiply_adds`."""
        b, _, h, w = input_shape
        return b * h * w * self.shape.multiply_adds

    def deployed_parameters(self) -> int:
        """Both factors."""
        return self.outer.numel() + self.inner.numel()
