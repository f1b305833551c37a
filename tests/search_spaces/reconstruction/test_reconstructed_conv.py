"""Rebuilt filters: built or in two stages, and what they cost by the thesis's formulas."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from search_spaces import compact
from search_spaces.reconstruction.families import FAMILIES
from search_spaces.reconstruction.reconstructed_conv import ReconstructedConv2d
from search_spaces.reconstruction.two_stage_conv import TwoStageConv2d, responses_of, sampled, two_stages


def layer(
    *,
    n: int = 12,
    c: int = 8,
    k: int = 3,
    stride: int = 1,
    keep: int = 5,
    seed: int = 0,
    moved: bool = True,
    **more: Any,
) -> ReconstructedConv2d:
    torch.manual_seed(seed)
    made = ReconstructedConv2d(nn.Conv2d(c, n, k, stride, k // 2, bias=False), **more)
    made.keep(torch.randperm(n)[:keep].tolist())
    if moved:
        made.transforms.data += 0.3 * torch.randn_like(made.transforms)
    return made.eval()


def test_with_everything_kept_it_is_the_dense_convolution() -> None:
    convolution = nn.Conv2d(8, 12, 3, 2, 1, bias=False)
    x = torch.randn(2, 8, 7, 7)
    torch.testing.assert_close(ReconstructedConv2d(convolution, groups=2)(x), convolution(x))
    for wrong, groups in ((nn.Conv2d(8, 12, 3), 1), (nn.Conv2d(8, 12, 3, bias=False), 3)):
        with pytest.raises(ValueError, match="cannot be rebuilt"):
            ReconstructedConv2d(wrong, groups=groups)


def test_rebuilt_filters_begin_as_their_templates_counted_around() -> None:
    made = layer(moved=False, groups=2)
    made.keep([1, 4, 7])
    filters = made.filters()
    for filter_ in range(12):
        template = filter_ if filter_ in (1, 4, 7) else (1, 4, 7)[filter_ % 3]
        torch.testing.assert_close(filters[filter_], made.weight[template])


def test_a_scalar_for_each_tap_and_group_is_the_same_for_all_channels_of_the_group() -> None:
    made = layer(groups=2)
    filters = made.filters()
    kept = made.kept.nonzero()[:, 0].tolist()
    for filter_ in range(12):
        if filter_ not in kept:
            template = made.weight[kept[filter_ % 5]]
            scalars = made.transforms[filter_].view(2, 1, 3, 3).expand(2, 4, 3, 3).reshape(8, 3, 3)
            torch.testing.assert_close(filters[filter_], template * scalars)


EVERY_FORM = pytest.mark.parametrize(
    ("family", "groups", "keep", "k", "stride"),
    [
        *itertools.product(FAMILIES, (1, 2), (1, 5), (3,), (1, 2)),
        *itertools.product(FAMILIES, (8,), (1,), (3,), (1, 2)),
        *itertools.product(FAMILIES, (1, 2, 8), (1, 5), (1,), (1, 2)),
    ],
)
"""Deployed in two stages or as a dense convolution, whichever is cheaper."""


@EVERY_FORM
@pytest.mark.parametrize("share_templates", [False, True])
def test_the_deployed_form_has_outputs_and_gradients_of_the_built_convolution(
    family: str, groups: int, keep: int, k: int, stride: int, share_templates: bool
) -> None:
    made = layer(family=family, groups=groups, keep=keep, k=k, stride=stride, share_templates=share_templates).double()
    deployed = compact(made)
    assert isinstance(deployed, TwoStageConv2d)
    for size in ((9, 6), (8, 8)):
        x = torch.randn(3, 8, *size, dtype=torch.float64, requires_grad=True)
        ours, theirs = deployed(x), made(x)
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
        above = torch.randn_like(theirs)
        gradients = [torch.autograd.grad(y, x, above)[0] for y in (ours, theirs)]
        torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-12)
    assert deployed.deployed_parameters() == made.deployed_parameters()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("groups", "k", "stride"), [(1, 3, 1), (2, 3, 2), (8, 3, 1), (2, 1, 2)])
def test_two_stages_have_the_gradients_of_templates_and_transformations(
    family: str, groups: int, k: int, stride: int
) -> None:
    made = layer(family=family, groups=groups, k=k, stride=stride).double()
    kept, rebuilt, sources = made.sources()
    weights, taps = sampled(made.family, made.transforms[rebuilt], k)
    assert weights.shape[-1] == (1 if family == "scalar" or k == 1 else 4)
    x = torch.randn(2, 8, 7, 7, dtype=torch.float64)
    ours = two_stages(x, made.parts()[kept], weights, responses_of(taps, sources, len(kept)), made.shape)
    theirs = made(x)[:, torch.cat((kept, rebuilt))]
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    above = torch.randn_like(theirs)
    trained = (made.weight, made.transforms)
    for mine, other in zip(*(torch.autograd.grad(y, trained, above) for y in (ours, theirs)), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-12)


@EVERY_FORM
def test_what_runs_is_what_is_stated_and_never_more_than_the_dense_convolution(
    family: str, groups: int, keep: int, k: int, stride: int
) -> None:
    made = layer(family=family, groups=groups, keep=keep, k=k, stride=stride)
    deployed = compact(made)
    assert isinstance(deployed, TwoStageConv2d)
    for size in ((9, 6), (8, 8), (5, 7)):
        with FlopCounterMode(display=False) as counter:
            y = deployed(torch.randn(3, 8, *size))
        dense = y.shape[2] * y.shape[3] * 8 * 12 * k * k
        stated = made.multiply_adds((1, 8, *size))
        assert stated == deployed.multiply_adds((1, 8, *size)) == counter.get_total_flops() / 2 / 3
        assert stated <= dense
    is_two_stages = len(deployed.transforms) > 0
    # Of 96 products a position and tap of the dense one, a template costs 8 (at every position read), a sample 1 a group.
    samples = 1 if family == "scalar" or k == 1 else 4
    responses = stride**2 if samples == 4 else 1
    assert is_two_stages == (responses * 8 * keep + samples * groups * (12 - keep) < 96)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_costs_are_the_formulas_of_the_thesis(groups: int) -> None:
    """HW K^2 C M + HW K^2 G (N - M), of the dense HW K^2 C N the share M/N + G/C - GM/(CN); parameters likewise, or as printed."""
    n, c, k, m, positions = 12, 8, 3, 5, 7 * 7
    made, shared = layer(groups=groups), layer(groups=groups, share_templates=True)
    share = m / n + groups / c - groups * m / (c * n)
    assert made.multiply_adds((1, 8, 7, 7)) == pytest.approx(share * positions * k * k * c * n)
    assert made.deployed_parameters() == pytest.approx(share * k * k * c * n)
    assert shared.deployed_parameters() == k * k * (c // groups) * m + k * k * groups * (n - m)
    wide = layer(n=12, c=64, groups=groups, family="affine")
    assert wide.multiply_adds((1, 64, 7, 7)) == positions * k * k * (64 * m + 4 * groups * (n - m))
    assert wide.deployed_parameters() == k * k * 64 * m + 6 * groups * (n - m)


def test_where_two_stages_would_cost_more_it_is_the_dense_convolution() -> None:
    """Affine in four groups: 8 * 5 + 4 * 4 * 7 = 152 a tap, dense 96."""
    made = layer(groups=4, family="affine")
    assert made.multiply_adds((1, 8, 7, 7)) == 49 * 9 * 96
    assert made.deployed_parameters() == 9 * 96 == sum(each.numel() for each in compact(made).parameters())


def test_with_a_stride_scalars_need_the_first_stage_only_where_it_is_read() -> None:
    assert layer(stride=2).multiply_adds((1, 8, 8, 8)) == 16 * 9 * (8 * 5 + 7)
    assert layer(stride=2, keep=1, family="affine").multiply_adds((1, 8, 8, 8)) == 9 * (64 * 8 * 1 + 16 * 4 * 11)
    # Four positions of the input for each of the result make 4 * 8 * 5 + 4 * 7 = 188 a tap, dense 96.
    assert layer(stride=2, family="affine").multiply_adds((1, 8, 8, 8)) == 16 * 9 * 96


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("keep", "k", "stride"), [(1, 3, 1), (1, 3, 2), (5, 1, 2), (11, 3, 1)])
def test_it_is_exported_for_batches_of_any_size(family: str, keep: int, k: int, stride: int) -> None:
    deployed = compact(layer(family=family, groups=2, keep=keep, k=k, stride=stride))
    sizes = ({0: torch.export.Dim("images", min=1, max=64)},)
    exported = torch.export.export(deployed, (torch.randn(3, 8, 6, 5),), dynamic_shapes=sizes).module()
    for count in (1, 3, 8):
        x = torch.randn(count, 8, 6, 5)
        torch.testing.assert_close(exported(x), deployed(x))


@pytest.mark.parametrize("family", FAMILIES)
def test_templates_and_transformations_are_trained_together(family: str) -> None:
    made = layer(family=family, groups=2)
    made(torch.randn(2, 8, 5, 5)).square().sum().backward()
    assert made.weight.grad is not None
    assert made.transforms.grad is not None
    kept = made.kept
    assert made.weight.grad[kept].abs().amax((1, 2, 3)).gt(0).all()
    assert made.weight.grad[~kept].eq(0).all()
    assert made.transforms.grad[~kept].abs().amax((1, 2)).gt(0).all()
    assert made.transforms.grad[kept].eq(0).all()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("keep", "other"), [(5, 9), (1, 11), (11, 1)])
def test_a_deployed_state_with_other_templates_is_taken_as_it_is(family: str, keep: int, other: int) -> None:
    """With eleven templates a rotated or affine convolution is deployed as a dense one."""
    trained, fresh = compact(layer(keep=keep, family=family)), compact(layer(keep=other, family=family, seed=3))
    assert isinstance(trained, TwoStageConv2d)
    assert isinstance(fresh, TwoStageConv2d)
    fresh.load_state_dict(trained.state_dict())
    x = torch.randn(2, 8, 5, 5)
    assert torch.equal(fresh(x), trained(x))
    assert fresh.multiply_adds((1, 8, 5, 5)) == trained.multiply_adds((1, 8, 5, 5))


def test_it_can_be_made_and_counted_without_being_computed() -> None:
    with torch.device("meta"):
        made = ReconstructedConv2d(nn.Conv2d(8, 12, 3, padding=1, bias=False), groups=2)
        y = compact(made)(torch.empty(1, 8, 5, 5))
    assert y.shape == (1, 12, 5, 5)
