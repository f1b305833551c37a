"""A batch norm in evaluation, where there is no convolution that it can be folded into.

Axes: b images, c channels, h w positions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from module_protocols import Counted
from nas.errors import DeploymentError


class ChannelAffine(nn.Module, Counted):
    """y = scale x + shift with a pair of numbers per channel: two parameters, like a norm's weight and bias.

    Args:
        norm: The norm whose running statistics, weight and bias are taken over.
        positions: Number of axes of the input after the channels: 2 for feature maps, 0 for pooled features.
    """

    def __init__(self, norm: nn.modules.batchnorm._BatchNorm, *, positions: int = 2) -> None:
        super().__init__()
        scale, shift = scale_and_shift(norm)
        shape = (-1, *[1] * positions)
        self.scale = nn.Parameter(scale.view(shape), requires_grad=False)
        self.shift = nn.Parameter(shift.view(shape), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c ...] -> float[b c ...]`, in the memory layout of the input."""
        return torch.addcmul(self.shift, x, self.scale)

    def extra_repr(self) -> str:
        """The sizes that `repr` shows."""
        return f"channels={len(self.scale)}"

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """0, by the convention for the norm that it replaces."""
        return 0

    def deployed_parameters(self) -> int:
        """The number of scales and shifts."""
        return 2 * len(self.scale)


@torch.no_grad()
def scale_and_shift(norm: nn.modules.batchnorm._BatchNorm) -> tuple[Tensor, Tensor]:
    """The scale and the shift of each channel in an evaluation, `float[c], float[c]`.

    Raises:
        DeploymentError: The norm keeps no running statistics, so that its evaluation depends on the batch.
    """
    if norm.running_mean is None or norm.running_var is None:
        raise DeploymentError(f"{norm} has no running statistics: its outputs depend on the batch and are no fixed map")
    scale = torch.rsqrt(norm.running_var + norm.eps)
    if norm.affine:
        scale = scale * norm.weight
    shift = -norm.running_mean * scale
    return scale, shift + norm.bias if norm.affine else shift
