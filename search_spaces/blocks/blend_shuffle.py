"""Blends of a few fixed permutations with coefficients per image, which stay soft when deployed and need no estimator.

Axes: b images, c channels, g groups of channels, k permutations, n1 and n2 sizes of the Kronecker factors, h w positions.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from module_protocols import Counted
from search_spaces.blocks.deployed.deployable import Deployable
from search_spaces.blocks.factors.generator import pool
from search_spaces.blocks.factors.precision import full_precision
from search_spaces.blocks.permutations.channel_gather import gather_channels
from search_spaces.blocks.permutations.kronecker_shuffle import kronecker_shuffle, two_products
from search_spaces.blocks.permutations.permutation import cross_group_shuffle
from search_spaces.blocks.spec import BlendSpec, KroneckerShape

FIRST_LOGIT = 4.0
"""Initial logit of the host's own shuffle in a softmax, with which it has a share of 0.98 between two permutations."""
FIRST_SCALE = 0.01


class BlendCoefficients(nn.Module, Counted):
    """Coefficients of the permutations at each of several places: bounded (b + alpha W norm(pool(x))), with W = 0 at first.

    So the blend begins as the host's own shuffle (exactly so with the bound tanh), and without any dependence on the image.

    Source: a static part that dominates and a small scale for the dynamic one as in mHC, arXiv 2512.24880; bounded
        coefficients of
    fixed permutations as in MicroNet, arXiv 2108.05894. The form is ours.

    Args:
        channels: Number of channels, c.
        places: Number of places that have coefficients of their own.
        permutations: Number of permutations, k, of which the first is the host's own shuffle.
        bound: tanh or softmax.
    """

    def __init__(self, channels: int, places: int, permutations: int, bound: str) -> None:
        super().__init__()
        self.bound = bound
        self.weight = nn.Linear(channels, places * permutations, bias=False)
        nn.init.zeros_(self.weight.weight)
        self.scale = nn.Parameter(torch.tensor(FIRST_SCALE))
        self.bias = nn.Parameter(torch.zeros(places, permutations))
        if bound == "softmax":
            with torch.no_grad():
                self.bias[:, 0] = FIRST_LOGIT

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b places k]`."""
        with full_precision(x):
            pooled = pool(x).to(self.bias.dtype)
            logits = self.weight(F.layer_norm(pooled, pooled.shape[1:])).unflatten(1, self.bias.shape)
            logits = self.bias + self.scale * logits
            if self.bound == "softmax":
                return torch.softmax(logits, -1)
            first = F.one_hot(torch.zeros((), dtype=torch.long, device=x.device), logits.shape[-1])
            return torch.tanh(logits) + first

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """0 beyond those of the linear layer."""
        return 0

    def deployed_parameters(self) -> int:
        """The number of biases and scales."""
        return self.bias.numel() + 1


class BlendShuffle(nn.Module, Counted, Deployable):
    """y = sum_k a_k(x) P_k x, with separate coefficients for each of g groups of the output channels.

    P_0 is the host's own shuffle. P_k reads the channels that P_0 would put k c / K channels further on, so that two
    permutations exchange the two halves, of which ShuffleNetV2 processes one.

    Args:
        channels: Number of channels, c, a multiple of the groups and of the permutations.
        host_groups: Number of groups of the host's shuffle.
        groups: Number of groups, g.
        blend: Number of permutations, and the bound of their coefficients.
    """

    maps: Tensor

    def __init__(self, *, channels: int, host_groups: int, groups: int, blend: BlendSpec) -> None:
        super().__init__()
        self.coefficients = BlendCoefficients(channels, groups, blend.permutations, blend.bound)
        host = cross_group_shuffle(channels, host_groups)
        shifts = [host.roll(-k * channels // blend.permutations) for k in range(blend.permutations)]
        self.register_buffer("maps", torch.stack(shifts), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`, in the memory layout of the input."""
        c = x.shape[1]
        a = self.coefficients(x).repeat_interleave(c // self.coefficients.bias.shape[0], 1).to(x.dtype)  # b c k
        blended: Tensor = gather_channels(x, self.maps[:1]) * a[:, :, 0, None, None]
        for k in range(1, len(self.maps)):
            blended = blended + gather_channels(x, self.maps[k : k + 1]) * a[:, :, k, None, None]
        return blended

    def deployed(self) -> nn.Module:
        """The block itself."""
        return self

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """One multiply-add for each permutation and element."""
        b, c, h, w = input_shape
        return len(self.maps) * b * c * h * w

    def deployed_parameters(self) -> int:
        """0 beyond those of the coefficients."""
        return 0

    def extra_repr(self) -> str:
        """The sizes that `repr` shows."""
        return f"channels={self.maps.shape[1]}, permutations={len(self.maps)}"


class KroneckerBlend(nn.Module, Counted, Deployable):
    """S_g (I_g (x) P1(x) (x) P2(x)) x, where each factor is a blend of cyclic shifts, of which the first is the identity.

    Source: the nearest work is KromHC, arXiv 2601.21579, whose factors are convex combinations of permutations; the form is ours.

    Args:
        groups: Number of groups, g.
        n1: Size of the outer factor.
        n2: Size of the inner factor.
        blend: Number of permutations, at most as many as a factor has rows, and the bound of their coefficients.
    """

    outer_shifts: Tensor
    inner_shifts: Tensor

    def __init__(self, *, groups: int, n1: int, n2: int, blend: BlendSpec) -> None:
        super().__init__()
        self.shape = KroneckerShape.square(groups, n1, n2)
        self.is_deployed = False
        counts = [min(blend.permutations, n) for n in (n1, n2)]
        self.outer, self.inner = (BlendCoefficients(self.shape.inputs, 1, count, blend.bound) for count in counts)
        for name, n, count in zip(("outer_shifts", "inner_shifts"), (n1, n2), counts, strict=True):
            shifts = torch.stack([torch.eye(n).roll(k, 1) for k in range(count)])
            self.register_buffer(name, shifts, persistent=False)

    def factors(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Both factors, `float[b c h w] -> float[b 1 n1 n1], float[b 1 n2 n2]`."""
        with full_precision(x):
            p1, p2 = (
                torch.einsum("bpk,kij->bpij", coefficients(x), shifts.to(coefficients.bias.dtype))
                for coefficients, shifts in ((self.outer, self.outer_shifts), (self.inner, self.inner_shifts))
            )
        return p1, p2

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`, in the memory layout of the input."""
        p1, p2 = self.factors(x)
        if self.is_deployed:
            return two_products(x, p1, p2, self.shape.groups)
        return kronecker_shuffle(x, p1, p2, self.shape.groups)

    def deployed(self) -> nn.Module:
        """The same block, in the form with fewer multiply-adds."""
        twin = copy.copy(self)
        twin.is_deployed = True
        return twin

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-adds of both products, and of the sums that make the factors."""
        b, _, h, w = input_shape
        factors = self.outer_shifts.numel() + self.inner_shifts.numel()
        return b * (h * w * self.shape.multiply_adds + factors)

    def deployed_parameters(self) -> int:
        """0 beyond those of the coefficients."""
        return 0

    def extra_repr(self) -> str:
        """The sizes that `repr` shows."""
        return f"{self.shape}"
