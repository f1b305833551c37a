from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
import torch

from search_spaces.blocks.factors.factors import soft_rows, straight_through
from search_spaces.blocks.permutations.index_shuffle import index_shuffle
from search_spaces.blocks.permutations.kronecker_shuffle import dense_matrix
from search_spaces.blocks.permutations.permutation import is_permutation, shuffle_map

LAYOUTS = (torch.contiguous_format, torch.channels_last)
BATCH, N1, N2 = 3, 3, 4


def gradients(output: torch.Tensor, weight: torch.Tensor, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return torch.autograd.grad((output * weight).sum(), inputs)


def colliding(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def permuting(*shape: int) -> torch.Tensor:
    """Logits whose hard rows are another permutation for each leading index."""
    *lead, n, _ = shape
    rows = torch.stack([torch.randperm(n) for _ in range(math.prod(lead))]).view(*lead, n)
    return 6 * torch.nn.functional.one_hot(rows, n) + torch.rand(*shape, dtype=torch.float64)


@pytest.mark.parametrize("logits", [colliding, permuting])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("groups", "batch", "shared"), list(itertools.product((1, 2, 3, 6), (1, BATCH), (True, False)))
)
def test_value_and_gradient_equal_autograd_of_the_dense_map_at_the_hard_factors(
    groups: int, batch: int, shared: bool, layout: torch.memory_format, logits: Callable[..., torch.Tensor]
) -> None:
    x = torch.randn(BATCH, groups * N1 * N2, 2, 5, dtype=torch.float64).to(memory_format=layout).requires_grad_()
    p1, p2 = (soft_rows(logits(batch, 1 if shared else groups, n, n), 1.0).requires_grad_() for n in (N1, N2))
    outer, inner = p1.argmax(-1), p2.argmax(-1)
    assert is_permutation(shuffle_map(outer, inner, groups)).all() == (logits is permuting)
    full = dense_matrix(straight_through(p1), straight_through(p2), groups).expand(BATCH, -1, -1)
    expected = torch.einsum("bij,bjhw->bihw", full, x)
    y = index_shuffle(x, p1, p2, groups)
    torch.testing.assert_close(y, expected, rtol=0, atol=1e-12)
    assert y.is_contiguous(memory_format=layout)
    weight = torch.randn_like(expected)
    for ours, theirs in zip(gradients(y, weight, (x, p1, p2)), gradients(expected, weight, (x, p1, p2)), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


def test_gradient_keeps_the_layout_of_the_input() -> None:
    x = torch.randn(2, 12, 3, 3).to(memory_format=torch.channels_last).requires_grad_()
    p1, p2 = (soft_rows(torch.randn(2, 1, n, n), 1.0) for n in (3, 4))
    y = index_shuffle(x, p1, p2, 1)
    (gradient,) = torch.autograd.grad(y, x, torch.randn(2, 12, 3, 3))
    assert gradient.is_contiguous(memory_format=torch.channels_last)


def test_sixteen_bit_features_give_gradients_in_the_type_of_the_factors() -> None:
    x = torch.randn(2, 12, 3, 3, dtype=torch.bfloat16, requires_grad=True)
    p1, p2 = (soft_rows(torch.randn(2, 1, n, n), 1.0).requires_grad_() for n in (3, 4))
    index_shuffle(x, p1, p2, 1).sum().backward()
    assert x.grad is not None
    assert x.grad.dtype is torch.bfloat16
    assert all(p.grad is not None and p.grad.dtype is torch.float32 for p in (p1, p2))


RECTANGLES = {
    "narrowing": ((2, 3), (3, 5)),
    "widening": ((5, 3), (6, 4)),
    "narrow_and_square": ((2, 4), (3, 3)),
    "square_and_wide": ((3, 3), (7, 2)),
    "crossed": ((5, 2), (3, 6)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sizes", RECTANGLES)
@pytest.mark.parametrize(("groups", "batch", "shared"), list(itertools.product((1, 3), (1, BATCH), (True, False))))
def test_rectangular_factors_have_value_and_gradient_of_the_dense_map(
    groups: int, batch: int, shared: bool, sizes: str, layout: torch.memory_format
) -> None:
    (o1, i1), (o2, i2) = RECTANGLES[sizes]
    x = torch.randn(BATCH, groups * i1 * i2, 2, 5, dtype=torch.float64).to(memory_format=layout).requires_grad_()
    lead = (batch, 1 if shared else groups)
    p1, p2 = (soft_rows(colliding(*lead, *size), 1.0).requires_grad_() for size in RECTANGLES[sizes])
    full = dense_matrix(straight_through(p1), straight_through(p2), groups).expand(BATCH, -1, -1)
    expected = torch.einsum("bij,bjhw->bihw", full, x)
    y = index_shuffle(x, p1, p2, groups)
    assert y.shape == (BATCH, groups * o1 * o2, 2, 5)
    torch.testing.assert_close(y, expected, rtol=0, atol=1e-12)
    assert y.is_contiguous(memory_format=layout)
    weight = torch.randn_like(expected)
    for ours, theirs in zip(gradients(y, weight, (x, p1, p2)), gradients(expected, weight, (x, p1, p2)), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


def test_narrow_factors_whose_rows_look_like_a_permutation_are_not_taken_for_one() -> None:
    # Rows 0 and 1 of three columns: sorted, they are those of the identity of two.
    x = torch.randn(2, 12, 2, 2, dtype=torch.float64, requires_grad=True)
    soft = [soft_rows(6 * torch.eye(*size, dtype=torch.float64), 1.0)[None, None] for size in ((2, 3), (4, 4))]
    p1, p2 = (p.requires_grad_() for p in soft)
    full = dense_matrix(straight_through(p1), straight_through(p2), 1)
    expected = torch.einsum("bij,bjhw->bihw", full.expand(2, -1, -1), x)
    weight = torch.randn_like(expected)
    found, wanted = (gradients(y, weight, (x, p1, p2)) for y in (index_shuffle(x, p1, p2, 1), expected))
    for ours, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
