"""A convolution of which some filters are kept as templates, and the others are rebuilt from them.

Axes: b images, c channels in, n filters, m templates, r rebuilt filters, g groups, k side of a filter, t taps, h w positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from module_protocols import Counted
from search_spaces.blocks.deployed.deployable import Deployable
from search_spaces.hosts.strided_pointwise import conv2d
from search_spaces.reconstruction.families import Family, family_of
from search_spaces.reconstruction.rebuilt_shape import RebuiltShape
from search_spaces.reconstruction.two_stage_conv import TwoStageConv2d


class ReconstructedConv2d(nn.Module, Deployable, Counted):
    """Holds a weight and a transformation for every filter. Kept filters use their weight, the others their transformation.

    A rebuilt filter is made in each group of channels by a transformation of that group's part of its template. Filter i rebuilds
    the i-th template, counted around: i mod m.

    Source: thesis, section 3.3; groups, families and costs there.

    Args:
        convolution: A convolution without groups or bias, whose weights are taken over; at first every filter is kept.
        groups: Number of groups, g, which must divide the input channels.
        family: Family of the transformations: scalar, rotation or affine.
        share_templates: Whether all groups use one part of a template: the reading under which the thesis's printed number of
            parameters holds. By default each group has its own part, as the thesis's text and multiply-adds say.

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
            raise ValueError(f"filters in {groups} groups cannot be rebuilt from {convolution}")
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
        """Keeps these filters, one or more, and rebuilds the others; on the meta device only their number is known."""
        self._count = len(filters)
        if self.kept.is_meta:
            return
        self.kept.zero_()
        self.kept[torch.as_tensor(list(filters), device=self.kept.device)] = True

    @property
    def templates(self) -> int:
        """The number of templates, m."""
        return self._count if self.kept.is_meta else int(self.kept.sum())

    def parts(self) -> Tensor:
        """The filters, each divided into the parts of the groups: `float[n g c/g t]`."""
        n, c, k, _ = self.weight.shape
        cut = self.weight.view(n, self.groups, c // self.groups, k * k)
        return cut.mean(1, keepdim=True).expand_as(cut) if self.share_templates else cut

    def sources(self) -> tuple[Tensor, Tensor, Tensor]:
        """Kept filters, rebuilt filters, and the position of each rebuilt filter's template: `int[m], int[r], int[r]`."""
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
        """`float[b c h w] -> float[b n h' w']`; all filters are built, which saves nothing."""
        return conv2d(x, self.filters(), **self.geometry)

    def deployed(self) -> nn.Module:
        """The two stages, or a dense convolution if that takes no more multiply-adds; equal up to rounding."""
        kept, rebuilt, sources = self.sources()
        order = torch.cat((kept, rebuilt)).argsort()
        templates, transforms = self.parts().detach()[kept], self.transforms.detach()[rebuilt]
        if self.share_templates:
            templates = templates[:, :1]
        if self.shape.is_dense:
            n, c, k, _ = self.weight.shape
            templates = self.filters().detach().view(n, self.groups, c // self.groups, k * k)
            transforms, sources, order = transforms[:0], sources[:0], order.sort().values
        form = TwoStageConv2d(
            templates.clone(), transforms.clone(), sources, order, family=self.family, geometry=self.geometry
        )
        return form.eval()

    @property
    def shape(self) -> RebuiltShape:
        """The sizes of the convolution with its present number of templates."""
        n, c, k, _ = self.weight.shape
        return RebuiltShape(
            filters=n,
            channels=c,
            side=k,
            templates=self.templates,
            groups=self.groups,
            samples=self.family.taps,
            **self.geometry,
        )

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-adds of the deployed form."""
        return input_shape[0] * self.shape.multiply_adds(input_shape[2:])

    def deployed_parameters(self) -> int:
        """The number of parameters of templates and transformations, or of the dense convolution if that is deployed."""
        n, c, k, _ = self.weight.shape
        if self.shape.is_dense:
            return self.weight.numel()
        depth = c // self.groups if self.share_templates else c
        return self.templates * depth * k * k + (n - self.templates) * self.groups * self.family.parameters(k)

    def extra_repr(self) -> str:
        """The sizes that `repr` shows."""
        n, c, k, _ = self.weight.shape
        return f"{c}, {n}, side={k}, templates={self.templates}, groups={self.groups}, family={self.family.name}"
