"""From logits to soft factor matrices, from these to hard rows, and the penalties that draw matrices to permutations.

Axes: b samples, g groups or 1, m rows and n columns of a factor (m = n unless stated otherwise).
"""

from __future__ import annotations

import math

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from search_spaces.blocks.factors.precision import at_least_float32, full_precision
from search_spaces.blocks.spec import Relaxation

SINKHORN_ROUNDS = 20


def soft_matrix(logits: Tensor, relaxation: Relaxation, *, noisy: bool = False) -> Tensor:
    """The soft matrix of `float[... m n]` logits, in float32 or better.

    Args:
        logits: Any logits.
        relaxation: Gives the normalizer and its temperature.
        noisy: Whether Sinkhorn adds Gumbel noise, as it does in training.
    """
    if relaxation.normalizer == "sinkhorn":
        return sinkhorn(logits, relaxation.temperature, noisy=noisy)
    return soft_rows(logits, relaxation.temperature)


def soft_rows(logits: Tensor, temperature: float) -> Tensor:
    """Row softmax of `float[... m n]` at the temperature, in float32 or better."""
    return torch.softmax(at_least_float32(logits) / temperature, dim=-1)


def sinkhorn(logits: Tensor, temperature: float, *, noisy: bool, rounds: int = SINKHORN_ROUNDS) -> Tensor:
    """exp(logits / temperature) with rows and columns normalised in turn, `float[... m n]`; rows sum to one at the end.

    For m < n the columns, which must sum to one at most, are normalised together with n - m equal rows that are then left out;
    for m > n they end at m / n each.

    Source: Mena et al., Gumbel-Sinkhorn, ICLR 2018, arXiv 1802.08665.
    """
    logits = at_least_float32(logits)
    if noisy:
        logits = logits - torch.empty_like(logits).exponential_().log()
    m, n = logits.shape[-2:]
    scaled = logits / temperature
    if m < n:
        scaled = torch.nn.functional.pad(scaled, (0, 0, 0, n - m))
    for _ in range(rounds):
        scaled = scaled - scaled.logsumexp(-2, keepdim=True)
        scaled = scaled - scaled.logsumexp(-1, keepdim=True)
    return scaled[..., :m, :].exp()


def hard_rows(matrix: Tensor) -> Tensor:
    """Index map of the largest entry of each row, the first of equal ones: `float[... m n] -> int[... m]`."""
    return matrix.argmax(-1)


def assigned_rows(matrix: Tensor) -> Tensor:
    """Index map of the permutation with the largest sum of entries, the nearest one: `float[... m n] -> int[... m]`.

    Matrices with m < n get distinct columns; with m > n every column is read by at least one row. Each matrix is a small
    assignment problem, which is solved exactly, on the CPU.
    """
    if matrix.is_meta:
        return matrix.argmax(-1)
    rows = hard_rows(matrix)
    m, n = matrix.shape[-2:]
    flat = matrix.detach().double().reshape(-1, m, n).cpu()
    if m > n:
        # There are as many copies of each column as it may be read; using its first copy is worth more than all entries together.
        first = flat + m * (flat.amax((1, 2), keepdim=True) - flat.amin((1, 2), keepdim=True)) + 1
        flat = torch.cat((first, flat.repeat(1, 1, m - n)), dim=-1)
    solved = [torch.from_numpy(linear_sum_assignment(one, maximize=True)[1] % n) for one in flat.numpy()]
    return torch.stack(solved).to(matrix.device).view(rows.shape)


def rounded_rows(matrix: Tensor, rounding: str) -> Tensor:
    """Hard rows by one of `spec.ROUNDINGS`: `float[... m n] -> int[... m]`."""
    return assigned_rows(matrix) if rounding == "assignment" else hard_rows(matrix)


def evaluated_rows(logits: Tensor, relaxation: Relaxation) -> Tensor:
    """Hard rows that an evaluation makes of logits: `float[... m n] -> int[... m]`."""
    if relaxation.rounding == "argmax" and relaxation.normalizer == "softmax":
        return hard_rows(logits)  # the softmax keeps their order
    return rounded_rows(soft_matrix(logits, relaxation), relaxation.rounding)


def straight_through(soft: Tensor, rounding: str = "argmax") -> Tensor:
    """A matrix with the values of the hard rows and the gradient of the soft ones.

    It is never built at the size of the channels (see `index_shuffle`), but defines what is computed.

    Source: Bengio et al., arXiv 1308.3432; binarization of the dynamic shuffle, arXiv 2310.02776 (abstract).
    """
    hard = torch.nn.functional.one_hot(rounded_rows(soft, rounding), soft.shape[-1]).to(soft.dtype)
    return hard + soft - soft.detach()


def gates(soft: Tensor, rows: Tensor) -> Tensor:
    """A gate of 1 per row, with the gradient of p / p for its chosen probability p: `float[... m n], int[... m] -> float[... m]`.

    So the gradient to the logits is that of scaling the chosen channel, as when the value of a gate multiplies what passes
    through it.
    """
    chosen = soft.gather(-1, rows.unsqueeze(-1)).squeeze(-1)
    return chosen / chosen.detach()


def gated(soft: Tensor, rounding: str = "argmax") -> Tensor:
    """A matrix with the values of the hard rows and the gradient of their `gates`."""
    rows = rounded_rows(soft, rounding)
    hard = torch.nn.functional.one_hot(rows, soft.shape[-1]).to(soft.dtype)
    return hard * gates(soft, rows).unsqueeze(-1)


def penalty(soft: Tensor, relaxation: Relaxation) -> Tensor:
    """The penalty of `spec.PENALTIES` on `float[... m n]`; 1 at uniform rows and 0 at a permutation for either."""
    return l1_minus_l2(soft) if relaxation.penalty == "l1_l2" else orthogonality(soft)


def l1_minus_l2(soft: Tensor) -> Tensor:
    """Mean over leading dimensions of the sum over rows and columns of l1 - l2 norm, over its value at the uniform matrix.

    It is zero only if every row and column has a single entry. For row-stochastic matrices, columns need not sum to one
    then, so it is meant for Sinkhorn's doubly stochastic matrices.

    Source: Lyu et al., AutoShuffleNet, KDD 2020, arXiv 1901.08624; the normalization is ours.
    """
    m, n = soft.shape[-2:]
    p = at_least_float32(soft)
    lengths = [p.square().sum(axis).clamp_min(1e-12).sqrt().sum(-1) for axis in (-1, -2)]
    uniform = 2 * m - m / math.sqrt(n) - math.sqrt(m)
    return (2 * p.sum((-1, -2)) - lengths[0] - lengths[1]).mean() / uniform


def orthogonality(soft: Tensor) -> Tensor:
    """Mean over leading dimensions of ||P P^T - I||_F^2, over its value at uniform rows.

    For square P that value is n - 1: 0 at a permutation, 1 at uniform rows, at most n. With m < n rows it is 0 where the rows are
    distinct one-hot ones; with m > n it cannot be 0.

    For row-stochastic P it is 0 only at a permutation, since orthonormal non-negative rows that sum to one are distinct
    one-hot rows. It is computed in float32 or better, under autocast too, since near a permutation it is a difference of
    nearly equal numbers.

    Source: orthogonal regularization of arXiv 2310.02776 (abstract); the normalization is ours.
    """
    m, n = soft.shape[-2:]
    p = at_least_float32(soft)
    with full_precision(p):
        gram = p @ p.transpose(-1, -2)
    error = gram - torch.eye(m, dtype=p.dtype, device=p.device)
    uniform = m * (m / n**2 - 2 / n + 1)
    return error.square().sum((-1, -2)).mean() / uniform


def near_identity_(logits: Tensor) -> Tensor:
    """Fills `float[... m n]` in place with +2 at (i, i mod n) plus N(0, 0.1): hard rows begin as the identity (repeated for m > n).

    All-equal logits are a stationary point of the penalty, and larger noise makes hard rows collide at once.
    """
    m, n = logits.shape[-2:]
    with torch.no_grad():
        logits.normal_(0.0, 0.1)
        for start in range(0, m, n):
            logits[..., start : start + n, :].diagonal(dim1=-2, dim2=-1).add_(2.0)
    return logits
