from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from search_spaces.blocks.deployed.deployed_matrix import GatherMatrixSum, KroneckerMatrix, deployed_matrix
from search_spaces.blocks.permutations.permutation import cross_group_shuffle, matrix

LAYOUTS = (torch.contiguous_format, torch.channels_last)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("groups", "terms"), [(1, 1), (1, 3), (2, 1), (5, 2)])
@pytest.mark.parametrize(
    ("o1", "i1", "o2", "i2", "least"),
    [
        # Multiply-adds of a position: the product with the inner factor first makes i1 o2 numbers of i2 each, then o1 o2 of i1.
        (4, 3, 2, 5, 3 * 2 * 5 + 4 * 2 * 3),
        (2, 3, 2, 3, 3 * 2 * 3 + 2 * 2 * 3),
        # The other way o1 i2 of i1, then o1 o2 of i2.
        (4, 3, 5, 2, 4 * 2 * 3 + 4 * 5 * 2),
    ],
)
def test_it_multiplies_by_the_sum_of_kronecker_products_of_rectangular_factors(
    o1: int, i1: int, o2: int, i2: int, least: int, groups: int, terms: int, layout: torch.memory_format
) -> None:
    outer, inner = torch.randn(terms, o1, i1, dtype=torch.float64), torch.randn(terms, o2, i2, dtype=torch.float64)
    within = sum(torch.kron(w1, w2) for w1, w2 in zip(outer, inner, strict=True))
    full = matrix(cross_group_shuffle(groups * o1 * o2, groups)).double() @ torch.block_diag(*[within] * groups)
    x = torch.randn(2, groups * i1 * i2, 3, 4, dtype=torch.float64).to(memory_format=layout)
    module = KroneckerMatrix(outer, inner, groups)
    with FlopCounterMode(display=False) as counter:
        y = module(x)
    torch.testing.assert_close(y, torch.einsum("ij,bjhw->bihw", full, x))
    assert y.is_contiguous(memory_format=layout)
    assert module.multiply_adds(tuple(x.shape)) == 2 * 12 * terms * groups * least == counter.get_total_flops() / 2
    assert module.deployed_parameters() == terms * (o1 * i1 + o2 * i2)


def test_gather_and_matrix_are_added() -> None:
    twice, thrice = (nn.Conv2d(1, 1, 1) for _ in range(2))
    for module, weight, bias in ((twice, 2.0, 0.0), (thrice, 3.0, 1.0)):
        module.load_state_dict({"weight": torch.full((1, 1, 1, 1), weight), "bias": torch.full((1,), bias)})
    x = torch.randn(1, 1, 2, 2)
    torch.testing.assert_close(GatherMatrixSum(twice, thrice)(x), 5 * x + 1)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("groups", "o1", "i1", "o2", "i2", "terms", "dense"),
    [
        # Multiply-adds of a group's position: r (i1 o2 (i2 + o1)), or the other way round, beside o1 i1 o2 i2.
        (2, 4, 4, 4, 4, 1, False),  # 128 beside 256
        (2, 4, 4, 4, 4, 2, True),  # 256 beside 256
        (1, 4, 4, 4, 4, 3, True),
        (3, 4, 3, 2, 5, 2, False),  # 108 beside 120
        (3, 4, 3, 2, 5, 3, True),
        (1, 8, 8, 8, 8, 3, False),  # 3072 beside 4096
    ],
)
def test_the_form_with_fewer_multiply_adds_is_deployed(
    groups: int, o1: int, i1: int, o2: int, i2: int, terms: int, dense: bool, layout: torch.memory_format
) -> None:
    outer, inner = torch.randn(terms, o1, i1, dtype=torch.float64), torch.randn(terms, o2, i2, dtype=torch.float64)
    x = torch.randn(2, groups * i1 * i2, 3, 4, dtype=torch.float64).to(memory_format=layout)
    made = deployed_matrix(outer, inner, groups)
    assert any(isinstance(part, nn.Conv2d) for part in made.modules()) is dense
    with FlopCounterMode(display=False) as counter:
        y = made(x)
    torch.testing.assert_close(y, KroneckerMatrix(outer, inner, groups)(x), rtol=1e-12, atol=1e-12)
    factors = terms * min(i1 * o2 * (i2 + o1), o1 * i2 * (i1 + o2))
    assert counter.get_total_flops() / 2 == 2 * 12 * groups * min(factors, o1 * i1 * o2 * i2)
    assert sum(each.numel() for each in made.parameters()) == (
        groups * o1 * i1 * o2 * i2 if dense else terms * (o1 * i1 + o2 * i2)
    )
