"""Rebuilt filters: built or in two stages, and what they cost by the thesis's formulas."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from search_spaces import compact
from search_spaces.reconstruction.families import FAMILIES
from search_spaces.reconstruction.reconstructed_conv import ReconstructedConv2d, TwoStageConv2d


def layer(
    *, n: int = 12, c: int = 8, k: int = 3, stride: int = 1, keep: int = 5, seed: int = 0, moved: bool = True, **more
) -> ReconstructedConv2d:
    torch.manual_seed(seed)
    made = ReconstructedConv2d(nn.Conv2d(c, n, k, stride, k // 2, bias=False), **more)
    made.keep(torch.randperm(n)[:keep].tolist())
    if moved:
        made.transforms.data += 0.3 * torch.randn_like(made.transforms)
    return made.eval()


def test_with_everything_kept_it_is_the_dense_convolution():
    convolution = nn.Conv2d(8, 12, 3, 2, 1, bias=False)
    x = torch.randn(2, 8, 7, 7)
    torch.testing.assert_close(ReconstructedConv2d(convolution, groups=2)(x), convolution(x))
    for wrong, groups in ((nn.Conv2d(8, 12, 3), 1), (nn.Conv2d(8, 12, 3, bias=False), 3)):
        with pytest.raises(ValueError, match="cannot be rebuilt"):
            ReconstructedConv2d(wrong, groups=groups)


def test_rebuilt_filters_begin_as_their_templates_counted_around():
    made = layer(moved=False, groups=2)
    made.keep([1, 4, 7])
    filters = made.filters()
    for filter_ in range(12):
        template = filter_ if filter_ in (1, 4, 7) else (1, 4, 7)[filter_ % 3]
        torch.testing.assert_close(filters[filter_], made.weight[template])


def test_a_scalar_for_each_tap_and_group_is_the_same_for_all_channels_of_the_group():
    made = layer(groups=2)
    filters = made.filters()
    kept = made.kept.nonzero()[:, 0].tolist()
    for filter_ in range(12):
        if filter_ not in kept:
            template = made.weight[kept[filter_ % 5]]
            scalars = made.transforms[filter_].view(2, 1, 3, 3).expand(2, 4, 3, 3).reshape(8, 3, 3)
            torch.testing.assert_close(filters[filter_], template * scalars)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("groups", [1, 2, 8])
@pytest.mark.parametrize(("k", "stride"), [(1, 1), (1, 2), (3, 1), (3, 2)])
@pytest.mark.parametrize("share_templates", [False, True])
def test_two_stages_are_the_built_convolution(family: str, groups: int, k: int, stride: int, share_templates: bool):
    made = layer(family=family, groups=groups, k=k, stride=stride, share_templates=share_templates)
    deployed = compact(made)
    assert isinstance(deployed, TwoStageConv2d)
    x = torch.randn(3, 8, 9, 6)
    torch.testing.assert_close(deployed(x), made(x), rtol=1e-5, atol=1e-5)
    assert deployed.deployed_parameters() == made.deployed_parameters()
    assert deployed.multiply_adds(tuple(x.shape)) == made.multiply_adds(tuple(x.shape))


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_costs_are_the_formulas_of_the_thesis(groups: int):
    """HW K^2 C M + HW K^2 G (N - M), of the dense HW K^2 C N the share M/N + G/C - GM/(CN); parameters likewise, or as printed."""
    n, c, k, m, positions = 12, 8, 3, 5, 7 * 7
    made, shared = layer(groups=groups), layer(groups=groups, share_templates=True)
    share = m / n + groups / c - groups * m / (c * n)
    assert made.multiply_adds((1, 8, 7, 7)) == pytest.approx(share * positions * k * k * c * n)
    assert made.deployed_parameters() == pytest.approx(share * k * k * c * n)
    assert shared.deployed_parameters() == k * k * (c // groups) * m + k * k * groups * (n - m)
    affine = layer(groups=groups, family="affine")
    assert affine.multiply_adds((1, 8, 7, 7)) == positions * k * k * (c * m + 4 * groups * (n - m))
    assert affine.deployed_parameters() == k * k * c * m + 6 * groups * (n - m)


def test_with_a_stride_scalars_need_the_first_stage_only_where_it_is_read():
    assert layer(stride=2).multiply_adds((1, 8, 8, 8)) == 16 * 9 * (8 * 5 + 7)
    assert layer(stride=2, family="affine").multiply_adds((1, 8, 8, 8)) == 9 * (64 * 8 * 5 + 16 * 4 * 7)


@pytest.mark.parametrize("family", FAMILIES)
def test_templates_and_transformations_are_trained_together(family: str):
    made = layer(family=family, groups=2)
    made(torch.randn(2, 8, 5, 5)).square().sum().backward()
    assert made.weight.grad is not None
    assert made.transforms.grad is not None
    kept = made.kept
    assert made.weight.grad[kept].abs().amax((1, 2, 3)).gt(0).all()
    assert made.weight.grad[~kept].eq(0).all()
    assert made.transforms.grad[~kept].abs().amax((1, 2)).gt(0).all()
    assert made.transforms.grad[kept].eq(0).all()


def test_a_deployed_state_with_other_templates_is_taken_as_it_is():
    trained, fresh = compact(layer(keep=5)), compact(layer(keep=9, seed=3))
    fresh.load_state_dict(trained.state_dict())
    x = torch.randn(2, 8, 5, 5)
    assert torch.equal(fresh(x), trained(x))


def test_it_can_be_made_and_counted_without_being_computed():
    with torch.device("meta"):
        made = ReconstructedConv2d(nn.Conv2d(8, 12, 3, padding=1, bias=False), groups=2)
        y = compact(made)(torch.empty(1, 8, 5, 5))
    assert y.shape == (1, 12, 5, 5)
