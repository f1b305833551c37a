"""The deployed form of a convolution with rebuilt filters.

Axes: b images, c channels in, n filters, m templates, r rebuilt filters, g groups, k side of a filter, t taps, q samples of a tap,
h w positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from module_protocols import Counted
from search_spaces.blocks.permutations.layout import is_channels_last
from search_spaces.reconstruction.families import Family
from search_spaces.reconstruction.rebuilt_shape import RebuiltShape


class TwoStageConv2d(nn.Module, Counted):
    """Computes the responses of every tap of the templates, then for each rebuilt filter the sum of those it samples.

    Without rebuilt filters it is the dense convolution with the templates, which is used if it takes no more multiply-adds.
    The training decides how many templates there are, so a state may have tensors of other sizes than those here; these are
    taken over.

    Args:
        templates: `float[m g c/g t]`, or `float[m 1 c/g t]` if all groups share them.
        transforms: Parameters of each rebuilt filter's transformations, `float[r g p]`.
        sources: The template of each rebuilt filter, `int[r]`.
        order: Position of each filter of the result among templates and rebuilt filters, `int[n]`.
        family: Family of the transformations.
        geometry: Stride and padding, each a pair.
    """

    sources: Tensor
    order: Tensor
    reads: Tensor
    weights: Tensor

    def __init__(
        self,
        templates: Tensor,
        transforms: Tensor,
        sources: Tensor,
        order: Tensor,
        *,
        family: Family,
        geometry: dict[str, Any],
    ) -> None:
        super().__init__()
        self.groups = transforms.shape[1]
        self.channels = self.groups * templates.shape[2]
        self.side = round(templates.shape[3] ** 0.5)
        self.family, self.geometry = family, geometry
        self.templates = nn.Parameter(templates)
        self.transforms = nn.Parameter(transforms)
        self.register_buffer("sources", sources)
        self.register_buffer("order", order)
        # These follow from the others and are not part of the state.
        for name in ("reads", "weights"):
            self.register_buffer(name, torch.empty(0, device=templates.device), persistent=False)
        self.register_load_state_dict_pre_hook(_resize)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_post_hook(_derive)  # type: ignore[no-untyped-call]
        self._derive()

    @property
    def shape(self) -> RebuiltShape:
        """The sizes of the convolution with its present number of templates."""
        return RebuiltShape(
            filters=len(self.order),
            channels=self.channels,
            side=self.side,
            templates=len(self.templates),
            groups=self.groups,
            samples=self.family.taps,
            **self.geometry,
        )

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b n h' w']`."""
        templates = self.templates.expand(-1, self.groups, -1, -1)
        if not len(self.transforms):
            return F.conv2d(x, templates.reshape(-1, self.channels, self.side, self.side), **self.geometry)
        # Channels of responses are read one by one, which is faster if they are adjacent in memory.
        y = two_stages(x.contiguous(), templates, self.weights, self.reads, self.shape)[:, self.order]
        return y.contiguous(memory_format=torch.channels_last) if is_channels_last(x) else y

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-adds of both stages, or of the dense convolution."""
        return input_shape[0] * self.shape.multiply_adds(input_shape[2:])

    def deployed_parameters(self) -> int:
        """The number of parameters of templates and transformations."""
        return self.templates.numel() + self.transforms.numel()

    def extra_repr(self) -> str:
        """The sizes that `repr` shows."""
        return f"{self.shape}"

    def _derive(self) -> None:
        weights, taps = sampled(self.family, self.transforms.detach(), self.side)
        self.weights, self.reads = weights, responses_of(taps, self.sources, len(self.templates))


def sampled(family: Family, transforms: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """The sum that each tap of a rebuilt filter is: `float[r g p] -> float[r g t q], int[r g t q]`.

    The first result are differentiable weights, the second the taps of the template that they belong to.
    """
    matrices = family.matrix(transforms, side)
    taps = matrices.detach().abs().topk(family.taps, -1).indices  # the others are zero
    return matrices.gather(-1, taps), taps


def responses_of(taps: Tensor, sources: Tensor, templates: int) -> Tensor:
    """The channels of the first stage, ordered (g m t), that are read: `int[r g t q], int[r] -> int[t r g q]`."""
    t = taps.shape[2]
    groups = torch.arange(taps.shape[1], device=taps.device)
    firsts = (groups * templates + sources[:, None]) * t  # r g
    return (firsts[:, :, None, None] + taps).permute(2, 0, 1, 3)


def two_stages(x: Tensor, templates: Tensor, weights: Tensor, reads: Tensor, shape: RebuiltShape) -> Tensor:
    """Outputs of templates and of rebuilt filters: `float[b c h w] -> float[b (m r) h' w']`.

    Args:
        x: The input.
        templates: The templates, `float[m g c/g t]`.
        weights: Weights `float[r g t q]`; see `sampled`.
        reads: Channels `int[t r g q]`; see `responses_of`.
        shape: Sizes of the convolution.
    """
    size = x.shape[2:]
    height, width = shape.positions(size)
    vertical, horizontal = shape.padding
    pads = (horizontal, horizontal, vertical, vertical)
    everywhere = shape.responds_everywhere(size)
    seen = F.pad(_responses(x, templates), pads) if everywhere else F.pad(x, pads)
    each = weights.permute(2, 0, 1, 3).flatten(2).unsqueeze(2)  # t r 1 (g q)
    kept, made = [], []
    for tap in range(shape.side**2):
        window = seen[_window(tap, shape, size)]
        if everywhere:
            own, read = window[:, tap :: shape.side**2], window.index_select(1, reads[tap].flatten())
        else:
            own = _responses(window, templates[..., tap : tap + 1])
            read = own.index_select(1, reads[tap].flatten() // shape.side**2)
        kept.append(own.reshape(-1, shape.groups, len(templates), *own.shape[2:]).sum(1))
        made.append(each[tap] @ read.reshape(-1, len(weights), each.shape[3], height * width))  # b r 1 (h w)
    rebuilt = sum(made[1:], made[0]).view(-1, len(weights), height, width)
    return torch.cat((sum(kept[1:], kept[0]), rebuilt), 1)


def _responses(x: Tensor, templates: Tensor) -> Tensor:
    """Responses of some taps of all templates, at each position: `float[b c h w], float[m g c/g t] -> float[b (g m t) h w]`."""
    _, groups, depth, _ = templates.shape
    return F.conv2d(x, templates.permute(1, 0, 3, 2).reshape(-1, depth, 1, 1), groups=groups)


def _window(tap: int, shape: RebuiltShape, size: Sequence[int]) -> tuple[slice, ...]:
    """The positions of the padded input at which a tap is read."""
    firsts = divmod(tap, shape.side)
    places = zip(firsts, shape.stride, shape.positions(size), strict=True)
    return (slice(None), slice(None), *(slice(first, first + s * (n - 1) + 1, s) for first, s, n in places))


def _resize(module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Called before a state is loaded; takes over its number of templates."""
    assert isinstance(module, TwoStageConv2d)
    for name in ("templates", "transforms", "sources"):
        value, own = state.get(f"{prefix}{name}"), getattr(module, name)
        if isinstance(value, Tensor) and value.shape != own.shape:
            empty = torch.empty_like(value, device=own.device, dtype=own.dtype)
            setattr(
                module,
                name,
                nn.Parameter(empty, requires_grad=own.requires_grad) if isinstance(own, nn.Parameter) else empty,
            )


def _derive(module: nn.Module, incompatible_keys: Any) -> None:
    """Called after another state was loaded."""
    assert isinstance(module, TwoStageConv2d)
    module._derive()
