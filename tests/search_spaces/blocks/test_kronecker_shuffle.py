from __future__ import annotations

import itertools

import pytest
import torch

from search_spaces.blocks.kronecker_shuffle import dense_matrix, kronecker_shuffle
from search_spaces.blocks.permutation import matrix, shuffle_map

LAYOUTS = (torch.contiguous_format, torch.channels_last)
GROUPS, N1, N2 = 3, 2, 4
CHANNELS = GROUPS * N1 * N2


def random_factors(batch: int, groups: int) -> tuple[torch.Tensor, torch.Tensor]:
    return tuple(torch.randn(batch, groups, n, n, dtype=torch.float64) for n in (N1, N2))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("batch", "factor_groups"), list(itertools.product((1, 5), (1, GROUPS))))
def test_equals_the_dense_matrix_of_each_image(batch: int, factor_groups: int, layout: torch.memory_format) -> None:
    x = torch.randn(5, CHANNELS, 3, 2, dtype=torch.float64).to(memory_format=layout)
    p1, p2 = random_factors(batch, factor_groups)
    y = kronecker_shuffle(x, p1, p2, GROUPS)
    full = dense_matrix(p1, p2, GROUPS).expand(5, CHANNELS, CHANNELS)
    torch.testing.assert_close(y, torch.einsum("bij,bjhw->bihw", full, x), rtol=1e-10, atol=1e-10)
    assert y.is_contiguous(memory_format=layout)


def test_dense_matrix_of_hard_factors_is_the_matrix_of_the_index_map() -> None:
    outer, inner = torch.randint(N1, (2, GROUPS, N1)), torch.randint(N2, (2, GROUPS, N2))
    full = dense_matrix(matrix(outer), matrix(inner), GROUPS)
    assert torch.equal(full, matrix(shuffle_map(outer, inner, GROUPS)))


def test_dense_matrix_is_the_block_diagonal_of_kronecker_products_then_the_shuffle() -> None:
    p1, p2 = random_factors(1, GROUPS)
    blocks = torch.block_diag(*(torch.kron(p1[0, k], p2[0, k]) for k in range(GROUPS)))
    shuffled = torch.nn.ChannelShuffle(GROUPS)(blocks[None, :, :, None])[0, :, :, 0]
    torch.testing.assert_close(dense_matrix(p1, p2, GROUPS)[0], shuffled)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gradient_is_right_to_the_input_and_both_factors(layout: torch.memory_format) -> None:
    x = torch.randn(2, CHANNELS, 2, 1, dtype=torch.float64).to(memory_format=layout).requires_grad_()
    p1, p2 = (p.requires_grad_() for p in random_factors(2, 1))
    assert torch.autograd.gradcheck(lambda *args: kronecker_shuffle(*args, GROUPS), (x, p1, p2))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sizes", [((2, 3), (3, 4)), ((5, 2), (4, 3)), ((2, 6), (3, 4)), ((6, 2), (2, 5))])
@pytest.mark.parametrize(("batch", "factor_groups"), list(itertools.product((1, 5), (1, GROUPS))))
def test_rectangular_factors_equal_the_block_diagonal_of_kronecker_products_then_the_shuffle(
    batch: int, factor_groups: int, sizes: tuple[tuple[int, int], tuple[int, int]], layout: torch.memory_format
) -> None:
    p1, p2 = (torch.randn(batch, factor_groups, *size, dtype=torch.float64) for size in sizes)
    x = torch.randn(5, GROUPS * sizes[0][1] * sizes[1][1], 3, 2, dtype=torch.float64).to(memory_format=layout)
    y = kronecker_shuffle(x, p1, p2, GROUPS)
    for image in range(5):
        groups = range(GROUPS)
        pairs = [(p1[image % batch, k % factor_groups], p2[image % batch, k % factor_groups]) for k in groups]
        blocks = torch.block_diag(*(torch.kron(*pair) for pair in pairs))
        made = torch.nn.ChannelShuffle(GROUPS)(torch.einsum("ij,jhw->ihw", blocks, x[image])[None])[0]
        torch.testing.assert_close(y[image], made, rtol=1e-10, atol=1e-10)
    full = dense_matrix(p1, p2, GROUPS).expand(5, -1, -1)
    torch.testing.assert_close(y, torch.einsum("bij,bjhw->bihw", full, x), rtol=1e-10, atol=1e-10)
    assert y.is_contiguous(memory_format=layout)
