"""Augmentation of training images, in batches and on their device, with all random choices drawn from a given generator.

Axes: b images of a batch, h height, w width, c channels.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
import torch.nn.functional as F

from evaluator.images.data import DataSummary

AREA = (0.25, 1.0)
"""Range of a resized crop's share of the image's area; from smaller crops, small networks learn little in short trainings."""
LOG_ASPECT = math.log(4 / 3)
"""Largest absolute logarithm of a resized crop's width over height."""


class Augmentation(Protocol):
    """Augments training images."""

    def draw(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """The random choices for `count` images, one row each, on the generator's device."""
        ...

    def apply(self, images: torch.Tensor, choices: torch.Tensor) -> torch.Tensor:
        """Augmented images `uint8 or float[b h w c]`, values 0 to 255.

        Args:
            images: `uint8[b h w c]`.
            choices: Rows that `draw` gave, on the images' device.
        """
        ...


class PaddedCrop:
    """A crop of the image's own size from the image with a black border, and random mirroring."""

    def __init__(self, *, padding: int, flip: bool) -> None:
        self.padding = padding
        self.flip = flip

    def draw(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """`int64[count 3]`: rows and columns skipped at the top and left of the padded image, and whether to mirror."""
        shift = torch.randint(0, 2 * self.padding + 1, (count, 2), generator=generator, device=generator.device)
        mirrored = torch.randint(0, 2, (count, 1), generator=generator, device=generator.device)
        return torch.cat([shift, mirrored * self.flip], dim=1)

    def apply(self, images: torch.Tensor, choices: torch.Tensor) -> torch.Tensor:
        """The augmented images `uint8[b h w c]`, made by one gather."""
        count, height, width, _ = images.shape
        top, left, mirrored = choices.unbind(dim=1)
        rows = top[:, None] + torch.arange(height, device=images.device)
        columns = torch.arange(width, device=images.device)
        columns = left[:, None] + torch.where(mirrored[:, None] > 0, width - 1 - columns, columns)
        edge = self.padding
        padded = F.pad(images, (0, 0, edge, edge, edge, edge)) if edge else images
        return padded[torch.arange(count, device=images.device)[:, None, None], rows[:, :, None], columns[:, None, :]]


class ResizedCrop:
    """A crop of random area and aspect, resized to the image's size, and random mirroring, as is usual for large images."""

    def __init__(self, *, flip: bool) -> None:
        self.flip = flip

    def draw(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """`float[count 5]`: center x, center y, width and height of the crop, where the image is 2 wide, and a sign."""
        uniform = torch.rand((count, 5), generator=generator, device=generator.device)
        area = AREA[0] + (AREA[1] - AREA[0]) * uniform[:, 0]
        aspect = torch.exp(LOG_ASPECT * (2 * uniform[:, 1] - 1))
        width, height = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
        x, y = (2 * uniform[:, 2] - 1) * (1 - width), (2 * uniform[:, 3] - 1) * (1 - height)
        sign = 1 - 2.0 * (uniform[:, 4] < 0.5) * self.flip
        return torch.stack([x, y, width, height, sign], dim=1)

    def apply(self, images: torch.Tensor, choices: torch.Tensor) -> torch.Tensor:
        """The augmented images `float[b h w c]`, by bilinear interpolation."""
        x, y, width, height, sign = choices.unbind(dim=1)
        zero = torch.zeros_like(x)
        rows = [torch.stack([width * sign, zero, x], dim=1), torch.stack([zero, height, y], dim=1)]
        pixels = images.permute(0, 3, 1, 2).float()
        grid = F.affine_grid(torch.stack(rows, dim=1), list(pixels.shape), align_corners=False)
        cropped = F.grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)
        return cropped.permute(0, 2, 3, 1)


def make_augmentation(summary: DataSummary) -> Augmentation:
    """The augmentation that the description of the data asks for."""
    if summary.resized_crop:
        return ResizedCrop(flip=summary.flip)
    return PaddedCrop(padding=summary.crop_padding, flip=summary.flip)


class PixelStatistics(Protocol):
    """Mean and standard deviation per channel, of pixels scaled to 0..1."""

    @property
    def mean(self) -> tuple[float, ...]:
        """Mean of each channel."""
        ...

    @property
    def std(self) -> tuple[float, ...]:
        """Standard deviation of each channel."""
        ...


class Normalization:
    """Brings each channel of the pixels to mean 0 and standard deviation 1."""

    def __init__(self, summary: PixelStatistics, device: torch.device, memory_format: torch.memory_format) -> None:
        mean = torch.tensor(summary.mean, dtype=torch.float64)
        # A set of uniform images has deviation 0; one grey level is the least difference two pixels can have.
        std = torch.tensor(summary.std, dtype=torch.float64).clamp(min=1 / 255)
        self._scale = (1 / (255 * std)).float().to(device)
        self._shift = (-mean / std).float().to(device)
        self._memory_format = memory_format

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Normalizes `b h w c` with values 0 to 255 to `float32` `b c h w`."""
        pixels = torch.addcmul(self._shift, images.float(), self._scale)
        return pixels.permute(0, 3, 1, 2).contiguous(memory_format=self._memory_format)
