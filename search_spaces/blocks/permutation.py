"""Algebra of channel index maps.

An index map p stands for y[i] = x[p[i]], so for the 0/1 matrix with a one at (i, p[i]). A map may read a channel twice
and another never; it is a permutation if it does not. All functions work on any leading batch dimensions and on the meta device.

Axes: n entries of a map, n1 and n2 of the outer and inner factor, g groups, c = g n1 n2 channels, b samples.
"""

from __future__ import annotations

import torch
from torch import Tensor


def kronecker(outer: Tensor, inner: Tensor) -> Tensor:
    """Map of the Kronecker product of two maps: `int[... n1], int[... n2] -> int[... (n1 n2)]`."""
    n2 = inner.shape[-1]
    return (outer.unsqueeze(-1) * n2 + inner.unsqueeze(-2)).flatten(-2)


def cross_group_shuffle(channels: int, groups: int, device: torch.device | None = None) -> Tensor:
    """ShuffleNet's shuffle, `(g n) -> (n g)`: new channel i g + k reads old channel k n + i.

    Source: Zhang et al., ShuffleNet, arXiv 1707.01083, section 3.1.
    """
    return torch.arange(channels, device=device).view(groups, channels // groups).t().reshape(-1)


def grouped(maps: Tensor, groups: int) -> Tensor:
    """Block-diagonal map over the groups: `int[... g|1 n] -> int[... (g n)]`; a single map is used by every group."""
    n = maps.shape[-1]
    offsets = torch.arange(groups, device=maps.device).unsqueeze(-1) * n
    return (maps + offsets).flatten(-2)


def compose(first: Tensor, then: Tensor) -> Tensor:
    """Map of applying `first`, then `then`: `int[... n], int[n] | int[... n] -> int[... n]`."""
    return first.gather(-1, then.expand_as(first))


def inverse(permutation: Tensor) -> Tensor:
    """The map that undoes a permutation `int[... n]`; meaningless for a map that is none."""
    positions = torch.arange(permutation.shape[-1], device=permutation.device).expand_as(permutation)
    return torch.empty_like(permutation).scatter_(-1, permutation, positions)


def shuffle_map(outer: Tensor, inner: Tensor, groups: int) -> Tensor:
    """Map of S_g (I_g (x) P1 (x) P2): `int[b g|1 n1], int[b g|1 n2] -> int[b c]`.

    Entry i g + k is k n + outer[i1] n2 + inner[i2] with n = n1 n2 and i = i1 n2 + i2.
    """
    within = grouped(kronecker(outer, inner), groups)
    return compose(within, cross_group_shuffle(within.shape[-1], groups, within.device))


def matrix(index_map: Tensor) -> Tensor:
    """The 0/1 matrix of a map, a one at (i, map[i]): `int[... n] -> int[... n n]`."""
    return torch.nn.functional.one_hot(index_map, index_map.shape[-1])


def is_permutation(index_map: Tensor) -> Tensor:
    """Whether every channel is read once: `int[... n] -> bool[...]`."""
    expected = torch.arange(index_map.shape[-1], device=index_map.device)
    return (index_map.sort(-1).values == expected).all(-1)


def coverage(index_map: Tensor) -> Tensor:
    """Share of the channels that are read at all, 0 to 1: `int[... n] -> float[...]`."""
    ordered = index_map.sort(-1).values
    distinct = 1 + (ordered[..., 1:] != ordered[..., :-1]).sum(-1)
    return distinct / index_map.shape[-1]


def disagreement(index_maps: Tensor) -> Tensor:
    """Mean share of positions at which the maps of two different samples differ: `int[b n] -> float[]`; 0 for one sample.

    Counted by how many samples agree on each entry of each position, so in O(b n + n^2) and not over b^2 pairs.
    """
    samples, n = index_maps.shape
    if samples < 2:
        return torch.zeros((), device=index_maps.device)
    counts = torch.zeros(n, n, dtype=torch.long, device=index_maps.device)
    counts.scatter_add_(1, index_maps.t(), torch.ones_like(index_maps.t()))
    return 1 - (counts * (counts - 1)).sum() / (n * samples * (samples - 1))
