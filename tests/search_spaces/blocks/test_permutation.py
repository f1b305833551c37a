from __future__ import annotations

import itertools

import pytest
import torch

from search_spaces.blocks.permutations import permutation as algebra


def random_maps(batch: int, n: int) -> torch.Tensor:
    return torch.stack([torch.randperm(n) for _ in range(batch)])


def test_kronecker_map_is_the_map_of_the_kronecker_product_of_the_matrices() -> None:
    outer, inner = torch.randperm(3), torch.tensor([0, 0, 3, 1])
    expected = torch.kron(algebra.matrix(outer), algebra.matrix(inner))
    assert torch.equal(algebra.matrix(algebra.kronecker(outer, inner)), expected)


def test_kronecker_product_of_permutations_is_a_permutation() -> None:
    for outer, inner in itertools.product(itertools.permutations(range(3)), itertools.permutations(range(2))):
        assert algebra.is_permutation(algebra.kronecker(torch.tensor(outer), torch.tensor(inner)))


def test_kronecker_product_applied_to_a_vector_is_the_matrix_between_the_factors() -> None:
    p1, p2, x = torch.randn(3, 3), torch.randn(4, 4), torch.randn(3, 4)
    torch.testing.assert_close(torch.kron(p1, p2) @ x.flatten(), (p1 @ x @ p2.T).flatten())


def test_orthogonality_of_a_kronecker_product_factorizes() -> None:
    p1, p2 = torch.randn(3, 3), torch.randn(4, 4)
    product = torch.kron(p1, p2)
    torch.testing.assert_close(product @ product.T, torch.kron(p1 @ p1.T, p2 @ p2.T))


@pytest.mark.parametrize(("channels", "groups"), [(12, 1), (12, 2), (12, 3), (12, 12)])
def test_cross_group_shuffle_puts_channel_k_n_plus_i_at_i_g_plus_k(channels: int, groups: int) -> None:
    shuffle, n = algebra.cross_group_shuffle(channels, groups), channels // groups
    for k, i in itertools.product(range(groups), range(n)):
        assert shuffle[i * groups + k] == k * n + i


def test_shuffle_map_is_the_formula_entry_by_entry() -> None:
    groups, n1, n2 = 3, 2, 4
    outer, inner = torch.randint(n1, (2, groups, n1)), torch.randint(n2, (2, groups, n2))
    index_map = algebra.shuffle_map(outer, inner, groups)
    for b, k, i1, i2 in itertools.product(range(2), range(groups), range(n1), range(n2)):
        expected = k * n1 * n2 + outer[b, k, i1] * n2 + inner[b, k, i2]
        assert index_map[b, (i1 * n2 + i2) * groups + k] == expected


def test_shuffle_map_is_the_kronecker_product_in_each_group_then_the_cross_group_shuffle() -> None:
    outer, inner = torch.randint(3, (5, 2, 4)), torch.randint(6, (5, 2, 2))
    blocks = algebra.grouped(algebra.kronecker(outer, inner, 6), 2, 18)
    expected = algebra.compose(blocks, algebra.cross_group_shuffle(16, 2))
    assert torch.equal(algebra.shuffle_map(outer, inner, 2, (3, 6)), expected)


def test_one_pair_of_factors_is_used_by_every_group() -> None:
    outer, inner = torch.randint(2, (2, 1, 2)), torch.randint(4, (2, 1, 4))
    shared = algebra.shuffle_map(outer, inner, 3)
    repeated = algebra.shuffle_map(outer.expand(2, 3, 2), inner.expand(2, 3, 4), 3)
    assert torch.equal(shared, repeated)


def test_compose_reads_first_then_then() -> None:
    x, first, then = torch.randn(7), torch.randint(7, (7,)), torch.randint(7, (7,))
    assert torch.equal(x[algebra.compose(first, then)], x[first][then])


def test_inverse_undoes_a_permutation() -> None:
    maps = random_maps(5, 9)
    assert torch.equal(algebra.compose(maps, algebra.inverse(maps)), torch.arange(9).expand(5, 9))


def test_validity_and_coverage_agree_with_counting_distinct_entries() -> None:
    maps = torch.cat((random_maps(3, 6), torch.randint(6, (20, 6))))
    distinct = torch.tensor([len(set(row.tolist())) for row in maps])
    assert torch.equal(algebra.is_permutation(maps), distinct == 6)
    torch.testing.assert_close(algebra.coverage(maps), distinct / 6)


def test_disagreement_is_the_mean_over_all_pairs_of_samples() -> None:
    maps = torch.randint(4, (6, 5))
    pairs = [(maps[a] != maps[b]).float().mean() for a, b in itertools.combinations(range(6), 2)]
    torch.testing.assert_close(algebra.disagreement(maps), torch.stack(pairs).mean())


def test_disagreement_is_zero_for_equal_maps_and_for_one_sample() -> None:
    assert algebra.disagreement(torch.randperm(5).expand(4, 5)) == 0
    assert algebra.disagreement(torch.randperm(5)[None]) == 0


@pytest.mark.parametrize(("rows", "columns"), [((2, 3), (3, 5)), ((4, 5), (2, 3)), ((2, 6), (4, 3))])
def test_map_of_rectangular_factors_is_that_of_their_matrices(rows: tuple[int, int], columns: tuple[int, int]) -> None:
    groups = 3
    outer, inner = (torch.randint(c, (2, groups, r)) for r, c in zip(rows, columns, strict=True))
    index_map = algebra.shuffle_map(outer, inner, groups, columns)
    for sample in range(2):
        pairs = [
            (algebra.matrix(outer[sample, k], columns[0]), algebra.matrix(inner[sample, k], columns[1]))
            for k in range(groups)
        ]
        blocks = torch.block_diag(*(torch.kron(*pair) for pair in pairs))
        shuffled = blocks[algebra.cross_group_shuffle(len(blocks), groups)]
        assert torch.equal(algebra.matrix(index_map[sample], blocks.shape[1]), shuffled)


def test_a_map_is_valid_when_it_reads_none_twice_or_when_longer_every_one() -> None:
    narrow, wide = torch.tensor([[4, 0, 2], [1, 3, 1]]), torch.tensor([[0, 1, 1, 0], [1, 1, 1, 1]])
    assert algebra.is_valid(narrow, 5).tolist() == [True, False]
    assert algebra.is_valid(wide, 2).tolist() == [True, False]
    assert algebra.coverage(narrow, 5).tolist() == pytest.approx([0.6, 0.4])
    assert algebra.coverage(wide, 2).tolist() == [1.0, 0.5]
    square = torch.randint(4, (50, 4))
    assert torch.equal(algebra.is_valid(square, 4), algebra.is_permutation(square))
