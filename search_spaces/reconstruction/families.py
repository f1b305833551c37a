"""Families of spatial transformations of a k x k filter, as matrices over its k^2 taps.

Every family is linear in the filter: tap t of the result is sum_s A[t, s] of the taps of the template. Axes: any leading ones, p
parameters, t and s taps, row by row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of transformation."""

    name: str
    parameters: Callable[[int], int]
    """Number of parameters of one transformation, by the side k."""
    taps: int
    """Multiply-adds for each tap of a result."""
    matrix: Callable[[Tensor, int], Tensor]
    """Makes the matrices from the parameters, `float[... p], k -> float[... t s]`."""
    identity: Callable[[int], Tensor]
    """Parameters of the identity, `k -> float[p]`."""

    def __reduce__(self) -> tuple[Callable[[str], Family], tuple[str]]:
        """Pickles the family by its name, so that networks can be pickled."""
        return _by_name, (self.name,)


def _scalars(parameters: Tensor, side: int) -> Tensor:
    return torch.diag_embed(parameters)


def _rotation(parameters: Tensor, side: int) -> Tensor:
    cos, sin, zero = parameters[..., 0].cos(), parameters[..., 0].sin(), torch.zeros_like(parameters[..., 0])
    return resampling(torch.stack((torch.stack((cos, -sin, zero), -1), torch.stack((sin, cos, zero), -1)), -2), side)


def _affine(parameters: Tensor, side: int) -> Tensor:
    return resampling(parameters.reshape(*parameters.shape[:-1], 2, 3), side)


def resampling(theta: Tensor, side: int) -> Tensor:
    """Bilinear sampling at affinely transformed places, zero outside: `float[... 2 3] -> float[... t s]`.

    Places are counted in taps from the middle, x to the right and y down; the result at (x, y) is the template at theta (x, y, 1).
    It is `affine_grid` and `grid_sample` with aligned corners and zero padding, in which places are counted in halves of the side.
    """
    steps = torch.arange(side, device=theta.device, dtype=theta.dtype) - (side - 1) / 2
    y, x = (axis.flatten() for axis in torch.meshgrid(steps, steps, indexing="ij"))
    moved = theta @ torch.stack((x, y, torch.ones_like(x)))
    near_x = (1 - (moved[..., 0, :, None] - x).abs()).clamp_min(0)
    near_y = (1 - (moved[..., 1, :, None] - y).abs()).clamp_min(0)
    return near_x * near_y


FAMILIES = {
    family.name: family
    for family in (
        Family("scalar", lambda side: side * side, 1, _scalars, lambda side: torch.ones(side * side)),
        Family("rotation", lambda side: 1, 4, _rotation, lambda side: torch.zeros(1)),
        Family("affine", lambda side: 6, 4, _affine, lambda side: torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0, 0.0])),
    )
}
"""The families by name. A filter of one tap has no space to move in, so its transformations are scalars in any family."""


def _by_name(name: str) -> Family:
    return FAMILIES[name]


def family_of(name: str, side: int) -> Family:
    """The family for a filter of this side.

    Raises:
        KeyError: No family has this name.
    """
    found = FAMILIES[name]
    return FAMILIES["scalar"] if side == 1 else found
