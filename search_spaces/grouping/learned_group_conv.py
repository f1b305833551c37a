"""A convolution that learns to be a group convolution between two channel shuffles.

Axes: b images, n channels in, m channels out, g groups, h w positions.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from module_protocols import Counted
from search_spaces.blocks.deployed.deployable import Deployable
from search_spaces.blocks.deployed.deployed_gather import ChannelGather
from search_spaces.grouping.arrangement import Arrangement, arranged, kernel_norms
from search_spaces.grouping.hierarchy import deepest_level, groups_at, inside, level_that_keeps, prices
from search_spaces.hosts.strided_pointwise import conv2d

KEPT_SHARE = 0.9
"""Share of the norms that the blocks of a level must hold for the level to be taken while groups are learned."""

SLACK = 1e-6
"""Tolerance for rounding when a number of groups is computed from a share."""


class LearnedGroupConv2d(nn.Module, Deployable, Counted):
    """A dense convolution whose channels are arranged so that few weights are left outside diagonal blocks.

    `rearrange` finds the orders and the level; `penalty` pulls the weights outside the next level's blocks to zero;
    `freeze` fixes the level, after which only the weights in its blocks count.

    Source: arXiv 2002.08127, slides and code; see docs/methods.md.

    Args:
        convolution: A dense convolution without bias, whose weights are taken over.

    Raises:
        ValueError: The convolution has groups or a bias.
    """

    row_order: Tensor
    column_order: Tensor
    level: Tensor
    frozen: Tensor
    positions: Tensor
    _prices: Tensor
    _mask: Tensor

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        if convolution.groups != 1 or convolution.bias is not None:
            raise ValueError(f"groups are learned of dense convolutions without bias, got {convolution}")
        self.weight = convolution.weight
        self.geometry: dict[str, Any] = {name: getattr(convolution, name) for name in ("stride", "padding", "dilation")}
        m, n = self.weight.shape[:2]
        device = self.weight.device
        self.register_buffer("row_order", torch.arange(m, device=device))
        self.register_buffer("column_order", torch.arange(n, device=device))
        self.register_buffer("level", torch.tensor(1, device=device))
        self.register_buffer("frozen", torch.tensor(False, device=device))
        # These follow from the others and are not part of the state.
        self.register_buffer("_prices", torch.zeros(m, n, device=device), persistent=False)
        self.register_buffer("_mask", torch.ones(m, n, 1, 1, dtype=torch.bool, device=device), persistent=False)
        self.register_buffer("positions", torch.tensor(0, device=device))  # of the last output; 0 before there was one
        self._positions = 0
        self._expected = 1  # the level before training, for the meta device, where no tensor can be read
        self.register_load_state_dict_post_hook(_derive)  # type: ignore[no-untyped-call]
        self._derive()

    @property
    def arrangement(self) -> Arrangement:
        """The orders of the channels; on the meta device, where nothing can have been learned, their own order."""
        if self.weight.is_meta:
            return Arrangement.identity(*self.weight.shape[:2])
        return Arrangement(self.row_order.cpu(), self.column_order.cpu())

    @property
    def groups(self) -> int:
        """Number of groups at the present level; on the meta device, at the expected one."""
        return groups_at(self._expected if self.weight.is_meta else int(self.level))

    def expect(self, groups: float) -> None:
        """Makes an untrained convolution count, and be deployed, with the largest possible number of groups up to this one."""
        deepest = deepest_level(*self.weight.shape[:2])
        self._expected = max(
            level for level in range(1, deepest + 1) if level == 1 or groups_at(level) <= groups + SLACK
        )
        self.level.fill_(self._expected)
        self._derive()

    def rearrange(self, kept_share: float = KEPT_SHARE) -> None:
        """Improves the orders for the present weights, starting from the present orders, and finds the level that they allow."""
        norms = kernel_norms(self.weight)
        found = arranged(norms, prices(*norms.shape), self.arrangement)
        self.row_order.copy_(found.rows)
        self.column_order.copy_(found.columns)
        self.level.fill_(level_that_keeps(found.of(norms), kept_share))
        self._derive()

    def level_at(self, kept_share: float) -> int:
        """The level that the present weights would allow in the present order."""
        return level_that_keeps(self.arrangement.of(kernel_norms(self.weight)), kept_share)

    def freeze(self, level: int) -> None:
        """Fixes the level: weights outside its blocks are zero from now on."""
        self.level.fill_(level)
        self.frozen.fill_(True)
        self._derive()

    def penalty(self) -> Tensor:
        """Sum of the absolute weights, each times the price of its place; weights inside the next level's blocks are free."""
        return (self.weight.abs().sum(dim=(2, 3)) * self._prices).sum()

    def forward(self, x: Tensor) -> Tensor:
        """`float[b n h w] -> float[b m h' w']`."""
        counted = self.weight.is_meta  # there no tensor can be read
        weight = self.weight * self._mask if not counted and bool(self.frozen) else self.weight
        y = conv2d(x, weight, **self.geometry)
        if y.shape[2] * y.shape[3] != self._positions:  # so that a tensor on a GPU is not written at every step
            self._positions = y.shape[2] * y.shape[3]
            self.positions.fill_(self._positions)
        return y

    def deployed(self) -> nn.Module:
        """A gather, a group convolution, and another gather, which equal the masked convolution up to rounding."""
        return GroupedBetweenShuffles(self).eval()

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-adds of the group convolution at the present level."""
        m, n, kh, kw = self.weight.shape
        h, w = (
            (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
            for size, kernel, stride, pad, dilation in zip(
                input_shape[2:], (kh, kw), *self.geometry.values(), strict=True
            )
        )
        return int(m * (n // self.groups) * kh * kw * h * w)

    def deployed_parameters(self) -> int:
        """The number of weights in the blocks."""
        return self.weight.numel() // self.groups

    def extra_repr(self) -> str:
        """The sizes that `repr` shows."""
        m, n = self.weight.shape[:2]
        return f"{n}, {m}, groups={self.groups}, frozen={bool(self.frozen)}"

    def _derive(self) -> None:
        if self.weight.is_meta:
            return
        m, n = self.weight.shape[:2]
        level, arrangement = int(self.level), self.arrangement
        self._prices.copy_(arrangement.undone(prices(m, n, levels=level)))
        self._mask.copy_(arrangement.undone(inside(m, n, level))[:, :, None, None])


class SizedGroupConv2d(nn.Conv2d):
    """A group convolution that takes its number of groups from the state that is loaded into it.

    The training decides how many there are, so the weights of a state may have another shape than those here.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register_load_state_dict_pre_hook(_resize)  # type: ignore[no-untyped-call]


class GroupedBetweenShuffles(nn.Sequential):
    """The deployed form: reordered channels, a group convolution, and channels in the order of the next layer.

    Args:
        learned: The trained convolution, whose present level and orders are used.
    """

    def __init__(self, learned: LearnedGroupConv2d) -> None:
        arrangement, groups = learned.arrangement, learned.groups
        m, n, kh, kw = learned.weight.shape
        convolution = SizedGroupConv2d(
            n, m, (kh, kw), groups=groups, bias=False, device=learned.weight.device, dtype=learned.weight.dtype,
            **learned.geometry,
        )  # fmt: skip
        if not learned.weight.is_meta:
            ordered = arrangement.of(learned.weight.detach())
            blocks = ordered.view(groups, m // groups, groups, n // groups, kh, kw)
            kept = torch.stack([blocks[group, :, group] for group in range(groups)])
            convolution.weight.data.copy_(kept.flatten(0, 1))
        before, after = ChannelGather(learned.column_order.clone()), ChannelGather(learned.row_order.argsort())
        super().__init__(before, convolution, after)


def _derive(module: nn.Module, incompatible_keys: Any) -> None:
    """Called after another state was loaded.

    Raises:
        ValueError: No training leaves such a state.
    """
    assert isinstance(module, LearnedGroupConv2d)
    if not module.weight.is_meta:
        deepest = deepest_level(*module.weight.shape[:2])
        orders = (module.row_order, module.column_order)
        if not 1 <= int(module.level) <= deepest or any(
            sorted(order.tolist()) != list(range(len(order))) for order in orders
        ):
            raise ValueError(f"a level outside of 1 to {deepest}, or an order of channels that is none")
    module._derive()


def _resize(module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Called before a state is loaded; takes over its number of groups."""
    assert isinstance(module, SizedGroupConv2d)
    weight = state.get(f"{prefix}weight")
    if isinstance(weight, Tensor) and weight.shape != module.weight.shape and weight.dim() == 4:
        module.groups = module.in_channels // weight.shape[1]
        module.weight = nn.Parameter(torch.empty_like(weight, device=module.weight.device))
