from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import pytest
import torch

from search_spaces.blocks.permutations import kronecker_shuffle as module
from search_spaces.blocks.permutations.kronecker_shuffle import (
    Form,
    dense_matrix,
    image_form,
    kronecker_shuffle,
    kronecker_sum,
    shared_form,
)
from search_spaces.blocks.permutations.permutation import matrix, shuffle_map
from search_spaces.blocks.spec import KroneckerShape

LAYOUTS = (torch.contiguous_format, torch.channels_last)
GROUPS, N1, N2 = 3, 2, 4
CHANNELS = GROUPS * N1 * N2


def random_factors(batch: int, groups: int) -> tuple[torch.Tensor, torch.Tensor]:
    p1, p2 = (torch.randn(batch, groups, n, n, dtype=torch.float64) for n in (N1, N2))
    return p1, p2


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
    assert torch.autograd.gradcheck(lambda x, p1, p2: kronecker_shuffle(x, p1, p2, GROUPS), (x, p1, p2))


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


def use(form: Form, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets maps of every size have this form."""
    never, always = 0, 10**9
    monkeypatch.setattr(module, "DENSE_IS_FASTER", never if form is Form.FACTORS else always)
    monkeypatch.setattr(module, "LARGEST_BLOCK_OF_IMAGE", never if form is Form.FACTORS else always)
    for name in ("LARGEST_WHOLE", "LARGEST_WHOLE_OF_IMAGE"):
        monkeypatch.setattr(module, name, always if form is Form.WHOLE else never)


def by_definition(x: torch.Tensor, outer: torch.Tensor, inner: torch.Tensor, groups: int) -> torch.Tensor:
    """One term after the other, each W1 X W2^T for the channels X of a group and a position, then the shuffle."""
    b, _, h, w = x.shape
    grid = x.reshape(b, groups, outer.shape[2], inner.shape[2], h, w)
    terms = [torch.einsum("li,mj,bgijhw->blmghw", w1, w2, grid) for w1, w2 in zip(outer, inner, strict=True)]
    return functools.reduce(torch.add, terms).reshape(b, -1, h, w)


def outputs_and_gradients(f: Callable[..., torch.Tensor], *tensors: torch.Tensor) -> list[torch.Tensor]:
    leaves = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    y = f(*leaves)
    weights = torch.randn(y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(0))
    return [y.detach(), *torch.autograd.grad((y * weights).sum(), leaves)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sizes", [((2, 2), (4, 4)), ((2, 3), (3, 4)), ((5, 2), (4, 3)), ((2, 6), (3, 4))])
@pytest.mark.parametrize(("groups", "terms"), [(1, 1), (1, 3), (3, 1), (3, 4)])
@pytest.mark.parametrize("form", Form)
def test_every_form_of_a_static_sum_is_the_sum_of_its_terms(
    form: Form,
    groups: int,
    terms: int,
    sizes: tuple[tuple[int, int], tuple[int, int]],
    layout: torch.memory_format,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(form, monkeypatch)
    outer, inner = (torch.randn(terms, *size, dtype=torch.float64) for size in sizes)
    x = torch.randn(3, groups * sizes[0][1] * sizes[1][1], 3, 2, dtype=torch.float64).to(memory_format=layout)
    found = outputs_and_gradients(lambda x, w1, w2: kronecker_sum(x, w1, w2, groups), x, outer, inner)
    expected = outputs_and_gradients(lambda x, w1, w2: by_definition(x, w1, w2, groups), x, outer, inner)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    assert found[0].is_contiguous(memory_format=layout)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("batch", "factor_groups"), list(itertools.product((1, 4), (1, GROUPS))))
@pytest.mark.parametrize("form", Form)
def test_every_form_adds_a_static_sum_to_the_matrix_of_each_image(
    form: Form, batch: int, factor_groups: int, layout: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(form, monkeypatch)
    x = torch.randn(4, CHANNELS, 3, 2, dtype=torch.float64).to(memory_format=layout)
    outer, inner = (torch.randn(2, n, n, dtype=torch.float64) for n in (N1, N2))
    p1, p2 = random_factors(batch, factor_groups)

    def by_matrices(*each: torch.Tensor) -> torch.Tensor:
        features, first, second, w1, w2 = each
        full = dense_matrix(first, second, GROUPS).expand(4, -1, -1)
        return torch.einsum("bij,bjhw->bihw", full, features) + by_definition(features, w1, w2, GROUPS)

    def in_form(*each: torch.Tensor) -> torch.Tensor:
        features, first, second, *static = each
        return kronecker_shuffle(features, first, second, GROUPS, (static[0], static[1]))

    tensors = (x, p1, p2, outer, inner)
    found = outputs_and_gradients(in_form, *tensors)
    torch.testing.assert_close(found, outputs_and_gradients(by_matrices, *tensors), rtol=1e-12, atol=1e-12)
    assert found[0].is_contiguous(memory_format=layout)


@pytest.mark.parametrize("terms", [1, 4])
@pytest.mark.parametrize(("channels", "groups", "n1"), [(8, 1, 2), (128, 2, 8), (512, 2, 16), (1024, 1, 32)])
def test_whatever_the_form_the_chosen_one_is_right_at_full_size(
    channels: int, groups: int, n1: int, terms: int
) -> None:
    n2 = channels // groups // n1
    x = torch.randn(2, channels, 2, 2, dtype=torch.float64).to(memory_format=torch.channels_last)
    outer, inner = (torch.randn(terms, n, n, dtype=torch.float64) for n in (n1, n2))
    expected = by_definition(x, outer, inner, groups)
    torch.testing.assert_close(kronecker_sum(x, outer, inner, groups), expected, rtol=1e-10, atol=1e-10)
    p1, p2 = (torch.randn(2, 1, n, n, dtype=torch.float64) for n in (n1, n2))
    both = torch.stack([by_definition(x[k : k + 1], p1[k], p2[k], groups)[0] for k in range(2)])
    torch.testing.assert_close(kronecker_shuffle(x, p1, p2, groups), both, rtol=1e-10, atol=1e-10)


def test_all_forms_are_taken_by_some_size() -> None:
    shapes = [KroneckerShape.square(groups, n, n) for groups in (1, 4) for n in (2, 4, 8, 16, 32)]
    assert {shared_form(shape) for shape in shapes} == set(Form) == {image_form(shape) for shape in shapes}
    # More terms make the factors dearer, never the matrix.
    assert shared_form(KroneckerShape.square(1, 16, 16)) is Form.FACTORS
    assert shared_form(KroneckerShape.square(1, 16, 16), terms=4) is Form.WHOLE
