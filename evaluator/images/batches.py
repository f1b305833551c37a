"""Batches of one part of a decoded set, on the device where they are used.

Axes: b images of a batch, h height, w width, c channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from evaluator.images.data import ImageSet

RESIDENT_BYTES = 2 * 2**30
"""Largest size in bytes of a part that is kept on a GPU as a whole; a larger part is sliced from the memory map."""


class BatchSource:
    """Gives the images at any positions of a part of a set.

    On a CPU batches are always sliced from the memory map, which all workers of a machine share.
    """

    def __init__(self, part: ImageSet, device: torch.device, resident_bytes: int = RESIDENT_BYTES) -> None:
        self.device = device
        self._part = part
        self._labels = torch.from_numpy(part.labels[part.rows])
        self._resident: torch.Tensor | None = None
        size = len(part) * int(np.prod(part.images.shape[1:]))
        if device.type != "cpu":
            self._labels = self._labels.to(device)
            if size <= resident_bytes:
                self._resident = torch.from_numpy(part.images[part.rows]).to(device)

    def __len__(self) -> int:
        return len(self._part)

    @property
    def is_resident(self) -> bool:
        """Whether all images are on the GPU, so that a batch needs nothing from the host."""
        return self._resident is not None

    def first(self, images: int) -> BatchSource:
        """The first so many images."""
        return BatchSource(replace(self._part, rows=self._part.rows[:images]), self.device)

    def class_weights(self, classes: int) -> torch.Tensor:
        """The weight of each class, inverse to its number of images, `float[classes]` on the device.

        If every class has an image, the mean weight over the images is 1.
        """
        counts = torch.bincount(self._labels, minlength=classes).clamp(min=1)
        return len(self) / (classes * counts.float())

    def take(self, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Images `uint8[b h w c]` and labels `int64[b]` on the device.

        Args:
            positions: `int64[b]`, positions within the part; on the CPU, or on the device where the images are resident.
        """
        if self._resident is not None:
            on_device = positions.to(self.device, non_blocking=True)
            return self._resident[on_device], self._labels[on_device]
        images = torch.from_numpy(self._part.images[self._part.rows[positions.numpy()]])
        labels = self._labels[positions.to(self._labels.device)]
        return images.to(self.device, non_blocking=True), labels

    def in_order(self, batch_size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Batches of all images, each image once, in order."""
        for start in range(0, len(self), batch_size):
            yield self.take(torch.arange(start, min(start + batch_size, len(self))))
