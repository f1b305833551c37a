from __future__ import annotations

import itertools

import pytest
import torch

from search_spaces.blocks.factors import (
    assigned_rows,
    hard_rows,
    l1_minus_l2,
    near_identity_,
    orthogonality,
    sinkhorn,
    soft_rows,
    straight_through,
)


@pytest.mark.parametrize("n", [2, 3, 8, 29])
def test_penalty_is_one_at_uniform_rows_zero_at_a_permutation_and_n_when_all_rows_collide(n: int) -> None:
    uniform = torch.full((n, n), 1 / n, dtype=torch.float64)
    permutation = torch.eye(n, dtype=torch.float64)[torch.randperm(n)]
    collided = torch.eye(n, dtype=torch.float64)[torch.zeros(n, dtype=torch.long)]
    assert orthogonality(uniform).item() == pytest.approx(1)
    assert orthogonality(permutation).item() == 0
    assert orthogonality(collided).item() == pytest.approx(n)


def test_penalty_is_the_mean_over_samples_and_groups() -> None:
    soft = soft_rows(torch.randn(3, 2, 4, 4, dtype=torch.float64), 1.0)
    single = [(torch.linalg.matrix_norm(p @ p.T - torch.eye(4)) ** 2 / 3).item() for sample in soft for p in sample]
    assert orthogonality(soft).item() == pytest.approx(sum(single) / len(single))


def test_zero_logits_are_a_stationary_point_of_the_penalty() -> None:
    logits = torch.zeros(5, 5, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(orthogonality(soft_rows(logits, 1.0)), logits)
    assert gradient.abs().max() < 1e-15


def test_starting_logits_are_the_identity_and_no_stationary_point() -> None:
    logits = near_identity_(torch.empty(4, 2, 8, 8)).requires_grad_()
    assert torch.equal(hard_rows(logits), torch.arange(8).expand(4, 2, 8))
    (gradient,) = torch.autograd.grad(orthogonality(soft_rows(logits, 1.0)), logits)
    assert gradient.abs().amax((-1, -2)).min() > 0


def test_descending_the_penalty_alone_ends_at_a_permutation() -> None:
    logits = torch.randn(6, 6, dtype=torch.float64).mul(0.5).requires_grad_()
    optimizer = torch.optim.SGD([logits], lr=0.5, momentum=0.9)
    for _ in range(2000):
        optimizer.zero_grad()
        loss = orthogonality(soft_rows(logits, 1.0))
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05
    assert sorted(hard_rows(logits).tolist()) == list(range(6))


def test_straight_through_has_hard_values_and_soft_gradients() -> None:
    logits = torch.randn(3, 4, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, 4, 4, dtype=torch.float64)
    soft = soft_rows(logits, 0.5)
    hard = straight_through(soft)
    torch.testing.assert_close(hard, torch.eye(4, dtype=torch.float64)[soft.argmax(-1)])
    through, direct = (torch.autograd.grad((p * weight).sum(), logits, retain_graph=True)[0] for p in (hard, soft))
    assert torch.equal(through, direct)


def test_penalty_is_computed_in_float32_under_autocast() -> None:
    soft = soft_rows(torch.randn(2, 1, 8, 8) * 5, 1.0)
    outside = orthogonality(soft)
    with torch.autocast("cpu", torch.bfloat16):
        assert soft_rows(torch.randn(2, 2, dtype=torch.bfloat16), 1.0).dtype is torch.float32
        assert torch.equal(orthogonality(soft), outside)


@pytest.mark.parametrize(("m", "n"), [(2, 5), (3, 4)])
def test_penalty_of_a_narrow_factor_is_one_at_uniform_rows_and_zero_where_rows_are_distinct(m: int, n: int) -> None:
    uniform = torch.full((m, n), 1 / n, dtype=torch.float64)
    distinct = torch.eye(n, dtype=torch.float64)[torch.randperm(n)[:m]]
    for penalty in (orthogonality, l1_minus_l2):
        assert penalty(uniform).item() == pytest.approx(1)
        assert penalty(distinct).item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(("m", "n"), [(3, 5), (7, 3), (6, 3), (5, 4)])
def test_starting_logits_of_a_rectangle_repeat_the_identity(m: int, n: int) -> None:
    logits = near_identity_(torch.empty(4, m, n))
    assert torch.equal(hard_rows(logits), (torch.arange(m) % n).expand(4, m))


@pytest.mark.parametrize(("m", "n"), [(2, 4), (4, 2), (5, 3), (3, 3)])
def test_assigned_rows_are_the_best_of_all_maps_without_collision_or_with_every_column_read(m: int, n: int) -> None:
    matrix = torch.randn(6, m, n, dtype=torch.float64)
    maps = [rows for rows in itertools.product(range(n), repeat=m) if len(set(rows)) == min(m, n)]
    for each, found in zip(matrix, assigned_rows(matrix), strict=True):
        best = max(maps, key=lambda rows: sum(each[i, j].item() for i, j in enumerate(rows)))
        assert found.tolist() == list(best)


def test_sinkhorn_of_a_rectangle_has_rows_of_one_and_columns_of_at_most_one_or_all_alike() -> None:
    narrow, wide = (
        sinkhorn(torch.randn(*size, dtype=torch.float64), 1.0, noisy=False, rounds=200) for size in ((3, 5), (6, 4))
    )
    for soft in (narrow, wide):
        torch.testing.assert_close(soft.sum(-1), torch.ones(len(soft), dtype=torch.float64))
    assert narrow.sum(0).max() <= 1 + 1e-9
    torch.testing.assert_close(wide.sum(0), torch.full((4,), 1.5, dtype=torch.float64))
    sharp = 20 * torch.eye(5, dtype=torch.float64)[[4, 0, 2]]
    torch.testing.assert_close(sinkhorn(sharp, 0.5, noisy=False), sharp / 20, rtol=0, atol=0.02)
