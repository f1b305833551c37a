"""A network that takes images as they come: bytes from 0 to 255."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

LAYOUTS = ("nhwc", "nchw")
"""Orders of the axes of images: n images, h w positions, c channels."""
LEAST_STD = 1 / 255
"""One grey level: the least deviation by which pixels are divided."""


class PixelNetwork(nn.Module):
    """Normalizes images, (pixels / 255 - mean) / max(std, 1 / 255), and classifies them.

    Args:
        network: Takes normalized images `float[n c h w]`.
        mean: Mean per channel of pixels scaled to 0..1.
        std: Standard deviation per channel.
        layout: `nhwc` or `nchw`.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, network: nn.Module, *, mean: Sequence[float], std: Sequence[float], layout: str) -> None:
        super().__init__()
        self.network = network
        self.layout = layout
        deviation = torch.tensor(std, dtype=torch.float64).clamp(min=LEAST_STD).view(-1, 1, 1)
        self.register_buffer("scale", (1 / (255 * deviation)).float())
        self.register_buffer("shift", (-torch.tensor(mean, dtype=torch.float64).view(-1, 1, 1) / deviation).float())

    def forward(self, images: Tensor) -> Tensor:
        """The logits of images: `uint8[n h w c]` or `uint8[n c h w]` `-> float[n k]`."""
        if self.layout == "nhwc":
            one = len(self.scale) == 1  # then nothing has to be moved
            images = images.reshape(-1, 1, *images.shape[1:3]) if one else images.permute(0, 3, 1, 2)
        logits: Tensor = self.network(images.float() * self.scale + self.shift)
        return logits

    def example(self, image_size: int) -> Tensor:
        """Two black images in the layout."""
        channels = len(self.scale)
        shape = (image_size, image_size, channels) if self.layout == "nhwc" else (channels, image_size, image_size)
        return torch.zeros((2, *shape), dtype=torch.uint8)
