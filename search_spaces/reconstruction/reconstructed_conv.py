"""A convolution of which some filters are kept, as templates, and the others are rebuilt from them.

Axes: b images, c channels in, n filters, m templates, r rebuilt filters, g groups, k side of a filter, t taps, h w positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas.ports import Counted
from search_spaces.blocks.deployable import Deployable
from search_spaces.hosts.strided_pointwise import conv2d
from search_spaces.reconstruction.families import Family, family_of


class ReconstructedConv2d(nn.Module, Deployable, Counted):
    """Holds a weight and a transformation for every filter; which of the two counts is decided by what is kept.

    A rebuilt filter is made in each group of channels by a transformation of that group's part of its template. Filter i rebuilds
    the i-th template, counted around: i mod m.

    Source: thesis, section 3.3; groups, families and costs there.

    Args:
        convolution: Without groups or bias, whose weights are taken over; everything is kept to begin with.
        groups: g, dividing the channels in.
        family: Of the transformations: scalar, rotation or affine.
        share_templates: Whether all groups use one part of a template: the reading under which the thesis's printed number of
            parameters holds. By default each has its own, as its text and its multiply-adds say.

    Raises:
        ValueError: The convolution has groups, a bias or an oblong kernel, or the groups do not divide its channels.
    """

    kept: Tensor

    def __init__(
        self, convolution: nn.Conv2d, *, groups: int = 1, family: str = "scalar", share_templates: bool = False
    ) -> None:
        super().__init__()
        n, c, k, other = convolution.weight.shape
        if convolution.groups != 1 or convolution.bias is not None or k != other or c % groups:
            raise ValueError(f"filters in {groups} groups cannot be rebuilt of {convolution}")
        self.weight = convolution.weight
        self.geometry: dict[str, Any] = {name: getattr(convolution, name) for name in ("stride", "padding")}
        self.groups = groups
        self.family: Family = family_of(family, k)
        self.share_templates = share_templates
        device = self.weight.device
        identity = self.family.identity(k).to(device)
        self.transforms = nn.Parameter(identity.expand(n, groups, -1).clone())
        self.register_buffer("kept", torch.ones(n, dtype=torch.bool, device=device))
        self._count = n

    def keep(self, filters: Sequence[int]) -> None:
        """Keeps these filters, one or more, and rebuilds the others; on the meta device it is only known how many."""
        self._count = len(filters)
        if self.kept.is_meta:
            return
        self.kept.zero_()
        self.kept[torch.as_tensor(list(filters), device=self.kept.device)] = True

    @property
    def templates(self) -> int:
        """M."""
        return self._count if self.kept.is_meta else int(self.kept.sum())

    def parts(self) -> Tensor:
        """The filters, each cut into the groups' parts: `float[n g c/g t]`."""
        n, c, k, _ = self.weight.shape
        cut = self.weight.view(n, self.groups, c // self.groups, k * k)
        return cut.mean(1, keepdim=True).expand_as(cut) if self.share_templates else cut

    def sources(self) -> tuple[Tensor, Tensor, Tensor]:
        """Filters that are kept, those that are rebuilt, and for each of these its template's place: `int[m], int[r], int[r]`."""
        if self.kept.is_meta:
            every = torch.arange(len(self.kept), device="meta")
            return every[: self._count], every[self._count :], every[self._count :]
        kept, rebuilt = self.kept.nonzero()[:, 0], (~self.kept).nonzero()[:, 0]
        return kept, rebuilt, rebuilt % len(kept)

    def filters(self) -> Tensor:
        """All filters, kept and rebuilt: `float[n c k k]`."""
        n, c, k, _ = self.weight.shape
        kept, rebuilt, sources = self.sources()
        parts = self.parts()
        templates = parts[kept]
        matrices = self.family.matrix(self.transforms[rebuilt], k)
        made = torch.einsum("rgts,rgcs->rgct", matrices, templates[sources])
        order = torch.cat((kept, rebuilt)).argsort()
        return torch.cat((templates, made))[order].reshape(n, c, k, k)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b n h' w']`; with the filters built, which saves nothing."""
        return conv2d(x, self.filters(), **self.geometry)

    def deployed(self) -> nn.Module:
        """In two stages; equal up to rounding."""
        return TwoStageConv2d(self).eval()

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Of the two stages."""
        n, c, k, _ = self.weight.shape
        positions = _positions(input_shape, k, self.geometry)
        return two_stage_macs(
            n, c, k, self.templates, self.groups, self.family, positions, input_shape[2] * input_shape[3], self.geometry
        )

    def deployed_parameters(self) -> int:
        """Of templates and transformations."""
        n, c, k, _ = self.weight.shape
        depth = c // self.groups if self.share_templates else c
        return self.templates * depth * k * k + (n - self.templates) * self.groups * self.family.parameters(k)

    def extra_repr(self) -> str:
        """Shown by `repr`."""
        n, c, k, _ = self.weight.shape
        return f"{c}, {n}, side={k}, templates={self.templates}, groups={self.groups}, family={self.family.name}"


def two_stage_macs(
    n: int, c: int, k: int, m: int, g: int, family: Family, positions: int, inputs: int, geometry: dict[str, Any]
) -> int:
    """Multiply-adds of one image.

    The first stage is needed at the positions of the result for each tap if a tap reads itself alone (scalars), else at all
    positions of the input: with a stride more than once for each of the result.

    Args:
        n: Filters.
        c: Channels in.
        k: Side of a filter.
        m: Templates.
        g: Groups.
        family: Of the transformations.
        positions: Of the result.
        inputs: Positions of the input.
        geometry: Stride and padding.
    """
    first = positions if family.taps == 1 or geometry["stride"] == (1, 1) else inputs
    return k * k * (first * c * m + positions * g * (n - m) * family.taps)


class TwoStageConv2d(nn.Module, Counted):
    """Responses of every tap of the templates, then sums of them, moved and weighted.

    The number of templates is a training's decision: a state may have tensors of other sizes than those here, which are taken over.

    Args:
        trained: Whose present filters are taken.
    """

    taps: Tensor
    sources: Tensor
    order: Tensor

    def __init__(self, trained: ReconstructedConv2d) -> None:
        super().__init__()
        n, c, self.side, _ = trained.weight.shape
        self.filters, self.channels, self.groups = n, c, trained.groups
        self.geometry, self.family, self.share_templates = trained.geometry, trained.family, trained.share_templates
        kept, rebuilt, sources = trained.sources()
        parts = trained.parts().detach()[kept]
        self.templates = nn.Parameter((parts[:, :1] if trained.share_templates else parts).clone())
        self.transforms = nn.Parameter(trained.transforms.detach()[rebuilt].clone())
        self.register_buffer("sources", sources)
        self.register_buffer("order", torch.cat((kept, rebuilt)).argsort())
        self.register_load_state_dict_pre_hook(_resize)  # type: ignore[no-untyped-call]

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b n h' w']`."""
        b, (k, g), m = len(x), (self.side, self.groups), len(self.templates)
        (vertical, horizontal), (stride, other) = self.geometry["padding"], self.geometry["stride"]
        x = F.pad(x, (horizontal, horizontal, vertical, vertical))
        height, width = (x.shape[2] - k) // stride + 1, (x.shape[3] - k) // other + 1
        matrices = self.family.matrix(self.transforms, k)
        templates = self.templates.expand(m, g, self.channels // g, k * k)
        kept: Tensor | float = 0.0
        made: Tensor | float = 0.0
        everywhere = None if self.family.taps == 1 else self._responses(x, templates)
        for tap in range(k * k):
            top, left = divmod(tap, k)
            window = (
                slice(top, top + stride * (height - 1) + 1, stride),
                slice(left, left + other * (width - 1) + 1, other),
            )
            if everywhere is None:
                own = self._responses(x[(..., *window)], templates[..., tap : tap + 1])[:, :, :, 0]
                moved = torch.einsum("rg,bgrhw->brhw", matrices[:, :, tap, tap], own[:, :, self.sources])
            else:
                there = everywhere[(..., *window)]
                own = there[:, :, :, tap]
                moved = torch.einsum("rgs,bgrshw->brhw", matrices[:, :, tap], there[:, :, self.sources])
            kept, made = kept + own.sum(1), made + moved
        y = torch.cat((torch.as_tensor(kept), torch.as_tensor(made)), 1)
        return y.view(b, self.filters, height, width)[:, self.order]

    def _responses(self, x: Tensor, templates: Tensor) -> Tensor:
        """Of some taps of all templates, at each position: `float[b c h w], float[m g c/g t] -> float[b g m t h w]`."""
        m, g, depth, t = templates.shape
        weight = templates.permute(1, 0, 3, 2).reshape(g * m * t, depth, 1, 1)
        return F.conv2d(x, weight, groups=g).view(len(x), g, m, t, *x.shape[2:])

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Of both stages."""
        positions = _positions(input_shape, self.side, self.geometry)
        return two_stage_macs(
            self.filters, self.channels, self.side, len(self.templates), self.groups, self.family, positions,
            input_shape[2] * input_shape[3], self.geometry,
        )  # fmt: skip

    def deployed_parameters(self) -> int:
        """Of templates and transformations."""
        return self.templates.numel() + self.transforms.numel()


def _positions(input_shape: tuple[int, ...], side: int, geometry: dict[str, Any]) -> int:
    """Of the result."""
    height, width = (
        (size + 2 * pad - side) // stride + 1
        for size, pad, stride in zip(input_shape[2:], geometry["padding"], geometry["stride"], strict=True)
    )
    return int(height * width)


def _resize(module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Before a state is loaded: as many templates as it has."""
    assert isinstance(module, TwoStageConv2d)
    for name in ("templates", "transforms", "sources"):
        value, own = state.get(f"{prefix}{name}"), getattr(module, name)
        if isinstance(value, Tensor) and value.shape != own.shape:
            empty = torch.empty_like(value, device=own.device)
            setattr(module, name, nn.Parameter(empty) if isinstance(own, nn.Parameter) else empty)
