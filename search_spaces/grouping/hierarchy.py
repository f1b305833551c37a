"""The hierarchy of groups: a matrix is halved both ways, and then its diagonal blocks, as long as their sides are even.

At level l there are 2^(l-1) groups, so level 1 is an ordinary convolution. Axes: m rows (channels out), n columns (channels in).
"""

from __future__ import annotations

import torch
from torch import Tensor

DECAY = 0.5
"""Factor of an entry's price from one cut to the next: a weight that is in the way of the first cut is the most expensive."""


def deepest_level(rows: int, columns: int) -> int:
    """The deepest level: its blocks cannot be halved any more."""
    level = 1
    while rows % 2 == 0 and columns % 2 == 0 and min(rows, columns) > 0:
        rows, columns, level = rows // 2, columns // 2, level + 1
    return level


def groups_at(level: int) -> int:
    """The number of groups at a level."""
    return int(2 ** (level - 1))


def prices(rows: int, columns: int, *, levels: int | None = None, decay: float = DECAY) -> Tensor:
    """The price of an entry at each place, `float64[m n]`; 0 where no cut removes it.

    The k-th cut takes the off-diagonal halves of each block, at the price decay^(k-1).

    Args:
        rows: Number of rows, m.
        columns: Number of columns, n.
        levels: Number of cuts that count, from the first. Default: all cuts.
        decay: Factor from the price of one cut to that of the next.
    """
    cuts = deepest_level(rows, columns) - 1
    cuts = cuts if levels is None else min(levels, cuts)
    price = torch.zeros(rows, columns, dtype=torch.float64)
    for cut in range(cuts, 0, -1):
        # From the finest cut to the first, so that what an earlier cut removes gets the price of that cut.
        price[(inside(rows, columns, cut) & ~inside(rows, columns, cut + 1))] = decay ** (cut - 1)
    return price


def inside(rows: int, columns: int, level: int) -> Tensor:
    """Which entries are in the diagonal blocks of a level and so are kept, `bool[m n]`."""
    groups = groups_at(level)
    row_group = torch.arange(rows) // (rows // groups)
    column_group = torch.arange(columns) // (columns // groups)
    return row_group[:, None] == column_group[None, :]


def level_that_keeps(norms: Tensor, share: float) -> int:
    """The deepest level whose blocks hold at least a given share of the sum of all entries.

    Args:
        norms: Non-negative norms `float[m n]`, with channels already in order.
        share: The share, 0 to 1; 0 gives the deepest level of all.
    """
    rows, columns = norms.shape
    total = norms.sum()
    best = 1
    for level in range(2, deepest_level(rows, columns) + 1):
        if norms[inside(rows, columns, level).to(norms.device)].sum() < share * total:
            break
        best = level
    return best
