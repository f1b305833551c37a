"""Algebra of channel index maps.

An index map p stands for y[i] = x[p[i]], so for the 0/1 matrix with a one at (i, p[i]). A map may read a channel twice
and another never; it is a permutation if it does not. It may have fewer or more entries than there are channels to read; how many
these are, the columns of its matrix, is then told beside it, and is the number of entries where it is not. All functions work on
any leading batch dimensions and on the meta device.

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
        columns: Of the inner factor. Default: n2.
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
        maps: Of each group.
        groups: g.
        columns: Channels that each group reads. Default: n.
    """
    step = maps.shape[-1] if columns is None else columns
    offsets = torch.arange(groups, device=maps.device).unsqueeze(-1) * step
    return (maps + offsets).flatten(-2)


def compose(first: Tensor, then: Tensor) -> Tensor:
    """Map of applying `first`, then `then`: `int[... n], int[n] | int[... n] -> int[... n]`."""
    return first.gather(-1, then.expand_as(first))


def inverse(permutation: Tensor) -> Tensor:
    """The map that undoes a permutation `int[... n]`; meaningless for a map that is none."""
    positions = torch.arange(permutation.shape[-1], device=permutation.device).expand_as(permutation)
    return torch.empty_like(permutation).scatter_(-1, permutation, positions)


def shuffle_map(outer: Tensor, inner: Tensor, groups: int, columns: tuple[int, int] | None = None) -> Tensor:
    """Map of S_g (I_g (x) P1 (x) P2): `int[b g|1 n1], int[b g|1 n2] -> int[b c]`.

    Entry i g + k is k m1 m2 + outer[i1] m2 + inner[i2] with i = i1 n2 + i2.

    Args:
        outer: Map of P1.
        inner: Map of P2.
        groups: g.
        columns: m1 and m2 of the factors. Default: n1 and n2.
    """
    m1, m2 = (outer.shape[-1], inner.shape[-1]) if columns is None else columns
    return joined_map(outer, inner, m2, torch.arange(groups, device=outer.device) * (m1 * m2))


def joined_map(outer: Tensor, inner: Tensor, columns: int, offsets: Tensor) -> Tensor:
    """`shuffle_map` in two additions: its axes are put where the cross-group shuffle leaves them, `n1 n2 g`.

    Args:
        outer: `int[... g|1 n1]`.
        inner: `int[... g|1 n2]`.
        columns: Of the inner factor, m2.
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
    """How many different channels are read: `int[... n] -> int[...]`."""
    ordered = index_map.sort(-1).values
    return 1 + (ordered[..., 1:] != ordered[..., :-1]).sum(-1)


def coverage(index_map: Tensor, columns: int | None = None) -> Tensor:
    """Share of the channels (n by default) that are read at all, 0 to 1: `int[... n] -> float[...]`."""
    return distinct_entries(index_map) / (index_map.shape[-1] if columns is None else columns)


def is_valid(index_map: Tensor, columns: int) -> Tensor:
    """Whether no channel is read twice where n <= columns, and every one is read where n > columns: `int[... n] -> bool[...]`.

    For n = columns this is `is_permutation`.
    """
    return distinct_entries(index_map) == min(index_map.shape[-1], columns)


def disagreement(index_maps: Tensor, columns: int | None = None) -> Tensor:
    """Mean share of positions at which the maps of two different samples differ: `int[b n] -> float[]`; 0 for one sample.

    Counted by how many samples agree on each entry of each position, so in O(b n + n columns) and not over b^2 pairs.

    Args:
        index_maps: Of the samples.
        columns: Channels there are to read. Default: n.
    """
    samples, n = index_maps.shape
    if samples < 2:
        return torch.zeros((), device=index_maps.device)
    counts = torch.zeros(n, n if columns is None else columns, dtype=torch.long, device=index_maps.device)
    counts.scatter_add_(1, index_maps.t(), torch.ones_like(index_maps.t()))
    return 1 - (counts * (counts - 1)).sum() / (n * samples * (samples - 1))
