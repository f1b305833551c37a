"""Transformations as matrices over taps, against torch's own resampling and against what can be said in words."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from search_spaces.reconstruction.families import FAMILIES, family_of, resampling


def applied(matrix: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
    return (matrix @ grid.flatten()).view_as(grid)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("side", [1, 2, 3, 5])
def test_the_identity_changes_nothing(name: str, side: int) -> None:
    family = family_of(name, side)
    identity = family.identity(side)
    assert len(identity) == family.parameters(side)
    torch.testing.assert_close(family.matrix(identity, side), torch.eye(side * side))


def test_scalars_multiply_each_tap() -> None:
    scalars = torch.arange(1.0, 10.0)
    grid = torch.randn(3, 3)
    torch.testing.assert_close(applied(FAMILIES["scalar"].matrix(scalars, 3), grid), grid * scalars.view(3, 3))


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_quarters_of_a_turn_are_exact(quarters: int) -> None:
    grid = torch.arange(9.0).view(3, 3)
    matrix = FAMILIES["rotation"].matrix(torch.tensor([quarters * math.pi / 2]), 3)
    torch.testing.assert_close(applied(matrix, grid), torch.rot90(grid, quarters), atol=1e-5, rtol=0)


@pytest.mark.parametrize("side", [2, 3, 5])
def test_resampling_is_grid_sample_with_aligned_corners(side: int) -> None:
    torch.manual_seed(side)
    grid = torch.randn(4, 1, side, side)
    theta = torch.eye(2, 3) + 0.4 * torch.randn(4, 2, 3)
    half = (side - 1) / 2
    scaled = theta.clone()
    scaled[:, :, 2] /= half  # torch counts places in halves of the side
    expected = F.grid_sample(
        grid, F.affine_grid(scaled, list(grid.shape), align_corners=True), align_corners=True, padding_mode="zeros"
    )
    found = torch.stack([applied(resampling(t, side), g[0]) for t, g in zip(theta, grid, strict=True)])
    torch.testing.assert_close(found, expected[:, 0], atol=1e-5, rtol=1e-5)


def test_one_tap_has_a_scalar_whatever_the_family() -> None:
    assert family_of("affine", 1) is family_of("rotation", 1) is FAMILIES["scalar"]
    with pytest.raises(KeyError):
        family_of("shear", 3)
