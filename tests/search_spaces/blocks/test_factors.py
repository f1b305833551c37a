from __future__ import annotations

import itertools

import pytest
import torch

from search_spaces.blocks.factors.factors import (
    assigned_rows,
    hard_rows,
    l1_minus_l2,
    near_identity_,
    orthogonality,
    sinkhorn,
    soft_rows,
    straight_through,
)
from search_spaces.blocks.permutations.permutation import is_permutation


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


def descended(logits: torch.Tensor, steps: int, rate: float = 0.1) -> torch.Tensor:
    """Logits `float[b n n]` after gradient descent on each matrix's raw penalty ||P P^T - I||^2."""
    logits = logits.clone().requires_grad_()
    optimizer = torch.optim.SGD([logits], lr=rate, momentum=0.9)
    for _ in range(steps):
        optimizer.zero_grad()
        (orthogonality(soft_rows(logits, 1.0)) * (logits.shape[-1] - 1) * len(logits)).backward()
        optimizer.step()
    return logits.detach()


@pytest.mark.parametrize("n", [2, 4, 8])
def test_descending_the_penalty_alone_makes_every_matrix_a_permutation(n: int) -> None:
    start = torch.randn(32, n, n, dtype=torch.float64) * 0.5
    assert is_permutation(hard_rows(start)).float().mean() < 0.7
    end = descended(start, 600)
    assert is_permutation(hard_rows(end)).all()
    assert orthogonality(soft_rows(end, 1.0)) < 0.05


def test_zero_logits_do_not_move_under_the_penalty() -> None:
    zero = torch.zeros(3, 8, 8, dtype=torch.float64)
    assert descended(zero, 100).abs().max() < 1e-12


def test_only_permutations_among_hard_row_matrices_have_no_penalty() -> None:
    for rows in itertools.product(range(3), repeat=3):
        hard = torch.eye(3, dtype=torch.float64)[torch.tensor(rows)]
        assert (orthogonality(hard) == 0) == (len(set(rows)) == 3)


def test_a_row_that_is_not_hard_has_a_penalty_even_among_orthogonal_rows() -> None:
    # Rows (1, 0, 0) and (0, t, 1 - t) are orthogonal; ||P P^T - I||^2 = (t^2 + (1 - t)^2 - 1)^2 = 4 t^2 (1 - t)^2.
    share = 0.3
    soft = torch.tensor([[1, 0, 0], [0, share, 1 - share]], dtype=torch.float64)
    uniform = 2 * (2 / 9 - 2 / 3 + 1)
    assert orthogonality(soft).item() == pytest.approx(4 * share**2 * (1 - share) ** 2 / uniform)


@pytest.mark.parametrize("shape", [(2, 5), (3, 3), (4, 2)])
def test_both_penalties_are_one_at_uniform_rows_of_any_shape(shape: tuple[int, int]) -> None:
    uniform = torch.full(shape, 1 / shape[1], dtype=torch.float64)
    assert orthogonality(uniform).item() == pytest.approx(1)
    assert l1_minus_l2(uniform).item() == pytest.approx(1)


def test_the_l1_l2_penalty_is_its_definition_and_zero_at_permutations_alone() -> None:
    p = torch.tensor([[0.5, 0.5, 0.0], [0.25, 0.25, 0.5], [0.0, 1.0, 0.0]], dtype=torch.float64)
    lines = [*p, *p.T]
    defined = sum((line.abs().sum() - line.norm()).item() for line in lines)
    uniform = 6 * (1 - 3**-0.5)
    assert l1_minus_l2(p).item() == pytest.approx(defined / uniform)
    assert l1_minus_l2(torch.eye(3, dtype=torch.float64)[[2, 0, 1]]).item() == pytest.approx(0, abs=1e-6)


def test_sinkhorn_is_doubly_stochastic_and_at_low_temperature_the_best_assignment() -> None:
    logits = torch.randn(4, 5, 5, dtype=torch.float64)
    soft = sinkhorn(logits, 1.0, noisy=False, rounds=200)
    torch.testing.assert_close(soft.sum(-1), torch.ones(4, 5, dtype=torch.float64))
    torch.testing.assert_close(soft.sum(-2), torch.ones(4, 5, dtype=torch.float64))
    cold = sinkhorn(logits, 0.01, noisy=False, rounds=2000)
    assert torch.equal(hard_rows(cold), brute_force_assignment(logits))


def test_sinkhorn_adds_gumbel_noise_only_if_asked() -> None:
    logits = torch.zeros(1, 4, 4)
    assert torch.equal(sinkhorn(logits, 1.0, noisy=False), torch.full((1, 4, 4), 0.25))
    assert not torch.equal(sinkhorn(logits, 1.0, noisy=True), sinkhorn(logits, 1.0, noisy=True))


def brute_force_assignment(matrices: torch.Tensor) -> torch.Tensor:
    """The permutation of the largest sum of entries of each matrix, by trying all."""
    n = matrices.shape[-1]
    permutations = list(itertools.permutations(range(n)))
    best = [max(permutations, key=lambda rows: sum(one[i, j].item() for i, j in enumerate(rows))) for one in matrices]
    return torch.tensor(best)


def test_projection_is_the_permutation_nearest_to_the_matrix() -> None:
    soft = soft_rows(torch.randn(60, 4, 4, dtype=torch.float64) * 2, 1.0)
    assert torch.equal(assigned_rows(soft), brute_force_assignment(soft))
    valid = is_permutation(hard_rows(soft))
    assert 0 < valid.sum() < 60
    assert torch.equal(assigned_rows(soft)[valid], hard_rows(soft)[valid])


def test_projection_keeps_leading_dimensions_and_gives_wide_matrices_distinct_columns() -> None:
    rows = assigned_rows(torch.rand(3, 2, 4, 6))
    assert rows.shape == (3, 2, 4)
    assert all(len(set(row.tolist())) == 4 for row in rows.flatten(0, 1))


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
