"""Algebra of channel index maps.

An index map p stands for y[i] = x[p[i]], that is, for the 0/1 matrix with a one at (i, p[i]). A map may read a channel
twice and another never; if it does not, it is a permutation. It may have fewer or more entries than there are channels to
read. The number of these channels, which is the number of columns of the matrix, is then given separately; by default it is
the number of entries. All functions work on any leading batch dimensions and on the meta device.

Axes: n entries of a map, n1 and n2 of the outer and inner factor, g groups, c = g n1 n2 channels, b samples.
"""

from __future__ import annotations

import torch
from torch import Tensor


def kronecker(outer: Tensor, inner: Tensor, columns: int | None = None) -> Tensor:
    """Map of the Kronecker product of two maps: `int[... n1], int[... n2] -> int[... (n1 n2)]`.

    Args:
        outer: Map of the outer factor.
        inner: Map of the inner factor.
        columns: Number of columns of the inner factor. Default: n2.
    """
    step = inner.shape[-1] if columns is None else columns
    return (outer.unsqueeze(-1) * step + inner.unsqueeze(-2)).flatten(-2)


def cross_group_shuffle(channels: int, groups: int, device: torch.device | None = None) -> Tensor:
    """ShuffleNet's shuffle, `(g n) -> (n g)`: new channel i g + k reads old channel k n + i.

    Source: Zhang et al., ShuffleNet, arXiv 1707.01083, section 3.1.
    """
    return torch.arange(channels, device=device).view(groups, channels // groups).t().reshape(-1)


def grouped(maps: Tensor, groups: int, columns: int | None = None) -> Tensor:
    """Block-diagonal map over the groups: `int[... g|1 n] -> int[... (g n)]`; a single map is used by every group.

    Args:
        maps: Map of each group.
        groups: Number of groups, g.
        columns: Number of channels that each group reads. Default: n.
    """
    step = maps.shape[-1] if columns is None else columns
    offsets = torch.arange(groups, device=maps.device).unsqueeze(-1) * step
    return (maps + offsets).flatten(-2)


def compose(first: Tensor, then: Tensor) -> Tensor:
    """Map of applying `first`, then `then`: `int[... n], int[n] | int[... n] -> int[... n]`."""
    return first.gather(-1, then.expand_as(first))


def inverse(permutation: Tensor) -> Tensor:
    """The map that undoes a permutation `int[... n]`; meaningless for other maps."""
    positions = torch.arange(permutation.shape[-1], device=permutation.device).expand_as(permutation)
    return torch.empty_like(permutation).scatter_(-1, permutation, positions)


def shuffle_map(outer: Tensor, inner: Tensor, groups: int, columns: tuple[int, int] | None = None) -> Tensor:
    """Map of S_g (I_g (x) P1 (x) P2): `int[b g|1 n1], int[b g|1 n2] -> int[b c]`.

    Entry i g + k is k m1 m2 + outer[i1] m2 + inner[i2] with i = i1 n2 + i2.

    Args:
        outer: Map of P1.
        inner: Map of P2.
        groups: Number of groups, g.
        columns: Numbers of columns of the factors, m1 and m2. Default: n1 and n2.
    """
    m1, m2 = (outer.shape[-1], inner.shape[-1]) if columns is None else columns
    return joined_map(outer, inner, m2, torch.arange(groups, device=outer.device) * (m1 * m2))


def joined_map(outer: Tensor, inner: Tensor, columns: int, offsets: Tensor) -> Tensor:
    """`shuffle_map` by two additions: its axes are put where the cross-group shuffle moves them, `n1 n2 g`.

    Args:
        outer: Map of the outer factor, `int[... g|1 n1]`.
        inner: Map of the inner factor, `int[... g|1 n2]`.
        columns: Number of columns of the inner factor, m2.
        offsets: First channel of each group, `int[g]`.
    """
    within = torch.add(inner.transpose(-1, -2).unsqueeze(-3), outer.transpose(-1, -2).unsqueeze(-2), alpha=columns)
    return (within + offsets).flatten(-3)


def matrix(index_map: Tensor, columns: int | None = None) -> Tensor:
    """The 0/1 matrix of a map, a one at (i, map[i]): `int[... n] -> int[... n columns]`; n columns by default."""
    return torch.nn.functional.one_hot(index_map, index_map.shape[-1] if columns is None else columns)


def is_permutation(index_map: Tensor) -> Tensor:
    """Whether every channel is read once: `int[... n] -> bool[...]`."""
    expected = torch.arange(index_map.shape[-1], device=index_map.device)
    return (index_map.sort(-1).values == expected).all(-1)


def distinct_entries(index_map: Tensor) -> Tensor:
    """Number of different channels that are read: `int[... n] -> int[...]`."""
    ordered = index_map.sort(-1).values
    return 1 + (ordered[..., 1:] != ordered[..., :-1]).sum(-1)


def coverage(index_map: Tensor, columns: int | None = None) -> Tensor:
    """Share of the channels (n by default) that are read at all, 0 to 1: `int[... n] -> float[...]`."""
    return distinct_entries(index_map) / (index_map.shape[-1] if columns is None else columns)


def is_valid(index_map: Tensor, columns: int) -> Tensor:
    """Whether no channel is read twice (n <= columns), or every channel is read (n > columns): `int[... n] -> bool[...]`.

    For n = columns this is `is_permutation`.
    """
    return distinct_entries(index_map) == min(index_map.shape[-1], columns)


def disagreement(index_maps: Tensor, columns: int | None = None) -> Tensor:
    """Mean share of positions at which the maps of two different samples differ: `int[b n] -> float[]`; 0 for one sample.

    It is computed from how many samples agree on each entry of each position, in O(b n + n columns) instead of over b^2 pairs.

    Args:
        index_maps: Maps of the samples.
        columns: Number of channels that can be read. Default: n.
    """
    samples, n = index_maps.shape
    if samples < 2:
        return torch.zeros((), device=index_maps.device)
    counts = torch.zeros(n, n if columns is None else columns, dtype=torch.long, device=index_maps.device)
    counts.scatter_add_(1, index_maps.t(), torch.ones_like(index_maps.t()))
    return 1 - (counts * (counts - 1)).sum() / (n * samples * (samples - 1))
