"""From logits to row-stochastic factor matrices, and the penalty that drives them to permutations.

Axes: b samples, g groups or 1, n rows and columns of a square factor.
"""

from __future__ import annotations

import torch
from torch import Tensor

from search_spaces.blocks.precision import at_least_float32, full_precision


def soft_rows(logits: Tensor, temperature: float) -> Tensor:
    """Row softmax of `float[... n n]` at the temperature, in float32 or better."""
    return torch.softmax(at_least_float32(logits) / temperature, dim=-1)


def hard_rows(matrix: Tensor) -> Tensor:
    """Index map of the largest entry of each row: `float[... n n] -> int[... n]`; of equal ones the first."""
    return matrix.argmax(-1)


def straight_through(soft: Tensor) -> Tensor:
    """Matrix with the values of the hard rows and the gradient of the soft ones.

    The blocks never build it at the size of the channels (see `index_shuffle`); it defines what they compute.

    Source: Bengio et al., arXiv 1308.3432; binarization of the dynamic shuffle, arXiv 2310.02776 (abstract).
    """
    hard = torch.nn.functional.one_hot(hard_rows(soft), soft.shape[-1]).to(soft.dtype)
    return hard + soft - soft.detach()


def orthogonality(soft: Tensor) -> Tensor:
    """Mean over leading dimensions of ||P P^T - I||_F^2 / (n - 1): 0 at a permutation, 1 at uniform rows, at most n.

    For row-stochastic P it is 0 only at a permutation: orthonormal non-negative rows that sum to one are distinct one-hot rows.
    Computed in float32 or better, under autocast too, since near a permutation it is a difference of nearly equal numbers.

    Source: orthogonal regularization of arXiv 2310.02776 (abstract); the normalization is ours.
    """
    n = soft.shape[-1]
    p = at_least_float32(soft)
    with full_precision(p):
        gram = p @ p.transpose(-1, -2)
    error = gram - torch.eye(n, dtype=p.dtype, device=p.device)
    return error.square().sum((-1, -2)).mean() / (n - 1)


def near_identity_(logits: Tensor) -> Tensor:
    """Fills `float[... n n]` in place with +2 on the diagonal plus N(0, 0.1): hard rows are the identity, nothing is symmetric.

    All-equal logits are a stationary point of the penalty, and larger noise makes hard rows collide at once.
    """
    with torch.no_grad():
        logits.normal_(0.0, 0.1)
        logits.diagonal(dim1=-2, dim2=-1).add_(2.0)
    return logits
