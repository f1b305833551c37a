"""The order of channels that puts heavy weights near the diagonal: two permutations, each found exactly given the other.

With S the norms of a convolution's kernels and R the prices of `hierarchy`, sum_ij S[p_i, q_j] R[i, j] is minimized over p
for given q, then over q for given p, and so on. Each step is an assignment problem, whose linear relaxation has a
permutation as its solution (Birkhoff and von Neumann), so neither a penalty nor rounding is needed and no step makes the
result worse. Both together are a quadratic assignment problem, which is not solved: the result depends on the start.

Axes: m channels out, n channels in.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

ITERATIONS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Arrangement:
    """The order of a convolution's channels: place i of the result is channel `rows[i]`, and likewise for the columns."""

    rows: Tensor
    """A permutation of the output channels, `int64[m]`."""
    columns: Tensor
    """A permutation of the input channels, `int64[n]`."""

    @classmethod
    def identity(cls, rows: int, columns: int) -> Arrangement:
        """The order that leaves all channels in place."""
        return cls(torch.arange(rows), torch.arange(columns))

    def of(self, matrix: Tensor) -> Tensor:
        """A matrix put into this order: `[m n ...] -> [m n ...]`."""
        return matrix[self.rows.to(matrix.device)][:, self.columns.to(matrix.device)]

    def undone(self, matrix: Tensor) -> Tensor:
        """The matrix that this order turns into the given one."""
        return matrix[self.rows.argsort().to(matrix.device)][:, self.columns.argsort().to(matrix.device)]


def kernel_norms(weight: Tensor) -> Tensor:
    """Sum of the absolute weights of each kernel: `float[m n kh kw] -> float64[m n]`."""
    return weight.detach().abs().sum(dim=(2, 3)).double().cpu()


def cost(norms: Tensor, prices: Tensor, arrangement: Arrangement) -> float:
    """The sum that is minimized."""
    return float((arrangement.of(norms) * prices).sum())


def arranged(
    norms: Tensor, prices: Tensor, start: Arrangement | None = None, iterations: int = ITERATIONS
) -> Arrangement:
    """An order that is better than the start, or the start.

    Args:
        norms: Norms `float64[m n]`, with channels in their own order.
        prices: Prices `float64[m n]`, by place.
        start: The order to begin with. Default: the channels' own order.
        iterations: Most pairs of steps; the search ends earlier if a pair does not help.
    """
    best = Arrangement.identity(*norms.shape) if start is None else start
    lowest = cost(norms, prices, best)
    for _ in range(iterations):
        # Row i of the first matrix is the cost of each output channel at place i; the second matrix is the same for input channels.
        rows = _assigned(prices @ norms[:, best.columns].T)
        columns = _assigned(prices.T @ norms[rows])
        found = Arrangement(rows, columns)
        now = cost(norms, prices, found)
        if now >= lowest:
            break
        best, lowest = found, now
    return best


def _assigned(costs: Tensor) -> Tensor:
    """The channel for each place that makes the sum of costs least: `float[k k] -> int64[k]`."""
    _, channels = linear_sum_assignment(costs.numpy())
    return torch.from_numpy(channels).long()
