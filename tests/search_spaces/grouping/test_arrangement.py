"""The alternating assignments, against brute force and against matrices whose best order is known."""

from __future__ import annotations

import itertools

import pytest
import torch

from search_spaces.grouping.arrangement import Arrangement, arranged, cost, kernel_norms
from search_spaces.grouping.hierarchy import inside, prices


def random_norms(rows: int, columns: int, seed: int) -> torch.Tensor:
    return torch.rand(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (6, 4), (2, 6), (6, 6)])
def test_each_step_is_the_best_of_all_orders(rows: int, columns: int) -> None:
    norms, price = random_norms(rows, columns, 0), prices(rows, columns)
    found = arranged(norms, price, iterations=1)
    first = min(
        (Arrangement(torch.tensor(order), torch.arange(columns)) for order in itertools.permutations(range(rows))),
        key=lambda arrangement: cost(norms, price, arrangement),
    )
    then = min(
        (Arrangement(found.rows, torch.tensor(order)) for order in itertools.permutations(range(columns))),
        key=lambda arrangement: cost(norms, price, arrangement),
    )
    assert cost(norms, price, Arrangement(found.rows, torch.arange(columns))) == pytest.approx(
        cost(norms, price, first)
    )
    assert cost(norms, price, found) == pytest.approx(cost(norms, price, then))


@pytest.mark.parametrize("seed", range(8))
def test_no_iteration_makes_it_worse(seed: int) -> None:
    norms, price = random_norms(16, 32, seed), prices(16, 32)
    found = [Arrangement.identity(16, 32)]
    for _ in range(6):
        found.append(arranged(norms, price, found[-1], iterations=1))
    costs = [cost(norms, price, each) for each in found]
    assert all(after <= before + 1e-9 for before, after in itertools.pairwise(costs))
    assert costs[-1] < costs[0]
    assert cost(norms, price, arranged(norms, price)) == pytest.approx(costs[-1])


@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (6, 4)])
def test_the_end_is_a_best_order_or_a_known_distance_from_it(rows: int, columns: int) -> None:
    """Alternating does not solve the whole: over 20 matrices its cost is within a tenth of the least in most of them."""
    near = 0
    for seed in range(20):
        norms, price = random_norms(rows, columns, seed), prices(rows, columns)
        least = min(
            cost(norms, price, Arrangement(torch.tensor(p), torch.tensor(q)))
            for p in itertools.permutations(range(rows))
            for q in itertools.permutations(range(columns))
        )
        found = cost(norms, price, arranged(norms, price))
        assert found >= least - 1e-9
        near += found <= 1.1 * least
    assert near >= 15


@pytest.mark.parametrize("seed", range(5))
def test_hidden_groups_are_found(seed: int) -> None:
    """Four groups, their channels in any order: most of the weight outside of two blocks is brought back into them."""
    generator = torch.Generator().manual_seed(seed)
    blocks = inside(16, 16, 3) * (0.5 + torch.rand(16, 16, generator=generator, dtype=torch.float64))
    hidden = blocks[torch.randperm(16, generator=generator)][:, torch.randperm(16, generator=generator)]
    found = arranged(hidden, prices(16, 16, levels=1))
    assert cost(hidden, prices(16, 16, levels=1), found) < 0.35 * cost(
        hidden, prices(16, 16, levels=1), Arrangement.identity(16, 16)
    )


def test_an_order_can_be_undone() -> None:
    arrangement = Arrangement(torch.tensor([2, 0, 1]), torch.tensor([1, 0]))
    matrix = torch.arange(6.0).view(3, 2)
    assert arrangement.of(matrix).tolist() == [[5.0, 4.0], [1.0, 0.0], [3.0, 2.0]]
    assert arrangement.undone(arrangement.of(matrix)).equal(matrix)


def test_the_norm_of_a_kernel_is_the_sum_of_its_absolute_weights() -> None:
    weight = torch.tensor([[[[1.0, -2.0], [0.5, 0.0]]], [[[-1.0, -1.0], [1.0, 1.0]]]])
    assert kernel_norms(weight).tolist() == [[3.5], [4.0]]
