"""The source of the hard rows of both Kronecker factors in a deployed network: a lean generator, or a table.

Axes: b images, c channels, g groups, o1 i1 and o2 i2 rows and columns of the factors, h w positions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.blocks.factors.factors import evaluated_rows
from search_spaces.blocks.factors.precision import full_precision
from search_spaces.blocks.spec import Relaxation


class RowGenerator(nn.Module):
    """Hard rows of both factors for each image: pool, linear, ReLU, linear, round.

    Args:
        standardize: Applied to the pooled features if it could not be folded into `squeeze`.
        squeeze: The first layer.
        logits: The last layer, whose outputs are the logits of one or more pairs.
        blocks: Number of equal parts of the pooled features to which the layers are applied separately.
        outer: Rows and columns of the outer factor, (o1, i1).
        inner: Rows and columns of the inner factor, (o2, i2).
        relaxation: How logits are rounded.
    """

    def __init__(
        self,
        *,
        standardize: nn.Module | None,
        squeeze: nn.Linear,
        logits: nn.Linear,
        blocks: int,
        outer: tuple[int, int],
        inner: tuple[int, int],
        relaxation: Relaxation,
    ) -> None:
        super().__init__()
        self.standardize = standardize
        self.squeeze = squeeze
        self.logits = logits
        self.blocks = blocks
        self.outer = outer
        self.inner = inner
        self.entries = [outer[0] * outer[1], inner[0] * inner[1]]
        self.relaxation = relaxation

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """`float[b c h w] -> int[b g|1 o1], int[b g|1 o2]`."""
        b = x.shape[0]
        pooled = x.mean((2, 3), dtype=self.squeeze.weight.dtype)
        with full_precision(x):
            if self.standardize is not None:
                pooled = self.standardize(pooled)
            if self.blocks > 1:
                pooled = pooled.view(b, self.blocks, -1)
            flat = self.logits(torch.relu(self.squeeze(pooled)))
            outer, inner = flat.view(b, -1, sum(self.entries)).split_with_sizes(self.entries, -1)
            return (
                evaluated_rows(outer.view(b, -1, *self.outer), self.relaxation),
                evaluated_rows(inner.view(b, -1, *self.inner), self.relaxation),
            )

    def extra_repr(self) -> str:
        """The sizes that `repr` shows."""
        return f"blocks={self.blocks}, outer={self.outer}, inner={self.inner}, {self.relaxation}"


class RowTable(nn.Module):
    """Hard rows that are the same for all images, `int[1 g|1 o1]` and `int[1 g|1 o2]`."""

    outer: Tensor
    inner: Tensor

    def __init__(self, outer: Tensor, inner: Tensor) -> None:
        super().__init__()
        self.register_buffer("outer", outer)
        self.register_buffer("inner", inner)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns both tables, whatever the input."""
        return self.outer, self.inner
