from __future__ import annotations

import numpy as np
import pytest
import torch

from evaluator.images.batches import BatchSource
from evaluator.images.data import ImageSet

PART = ImageSet(
    images=np.arange(5 * 2 * 2 * 1, dtype=np.uint8).reshape(5, 2, 2, 1),
    labels=np.arange(5) * 10,
    rows=np.array([0, 2, 4]),
)


def test_positions_are_those_within_the_part() -> None:
    images, labels = BatchSource(PART, torch.device("cpu")).take(torch.tensor([2, 0]))
    assert labels.tolist() == [40, 0]
    np.testing.assert_array_equal(images.numpy(), PART.images[[4, 0]])


def test_in_order_every_image_comes_once() -> None:
    batches = list(BatchSource(PART, torch.device("cpu")).in_order(2))
    assert [labels.tolist() for _, labels in batches] == [[0, 20], [40]]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("resident_bytes", [0, 1000])
def test_a_gpu_gets_the_same_batches_resident_or_sliced(resident_bytes: int) -> None:
    source = BatchSource(PART, torch.device("cuda"), resident_bytes)
    images, labels = source.take(torch.tensor([1, 2]))
    assert images.is_cuda
    assert labels.tolist() == [20, 40]
    np.testing.assert_array_equal(images.cpu().numpy(), PART.images[[2, 4]])
