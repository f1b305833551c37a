from dataclasses import dataclass

import pytest
import torch
from torch import nn

from deployment.pixels import LAYOUTS, PixelNetwork
from evaluator.images.augmentation import Normalization


@dataclass(frozen=True)
class Statistics:
    mean: tuple[float, ...]
    std: tuple[float, ...]


class _Normalized(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_pixels_are_normalized_as_in_training(layout: str, channels: int) -> None:
    mean, std = (0.3, 0.5, 0.7)[:channels], (0.2, 0.0, 1.0)[:channels]
    pixels = torch.randint(0, 256, (4, 5, 6, channels), dtype=torch.uint8)
    network = PixelNetwork(_Normalized(), mean=mean, std=std, layout=layout)
    given = pixels if layout == "nhwc" else pixels.permute(0, 3, 1, 2)
    normalize = Normalization(Statistics(mean, std), torch.device("cpu"), torch.contiguous_format)
    torch.testing.assert_close(network(given), normalize(pixels), rtol=1e-6, atol=1e-5)


def test_an_example_has_the_layout() -> None:
    shapes = {
        layout: PixelNetwork(_Normalized(), mean=[0] * 3, std=[1] * 3, layout=layout).example(8).shape
        for layout in LAYOUTS
    }
    assert shapes == {"nhwc": (2, 8, 8, 3), "nchw": (2, 3, 8, 8)}
