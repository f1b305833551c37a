from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from evaluator.images.augmentation import AREA, Normalization, PaddedCrop, ResizedCrop, make_augmentation
from evaluator.images.data import DataSummary, prepare
from evaluator.settings import DataSettings


@pytest.fixture
def summary(digits: DataSettings) -> DataSummary:
    return prepare(digits, seed=0)


def random_images(count: int, size: int, channels: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, size, size, channels), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize(("padding", "flip"), [(0, True), (1, False), (4, True)])
def test_crops_and_flips_equal_a_loop_over_images(padding: int, flip: bool) -> None:
    images = random_images(20, 9, 3)
    augment = PaddedCrop(padding=padding, flip=flip)
    choices = augment.draw(20, torch.Generator().manual_seed(1))
    varied = augment.apply(images, choices).numpy()
    for image, (top, left, mirrored), result in zip(images.numpy(), choices.tolist(), varied, strict=True):
        padded = np.pad(image, ((padding, padding), (padding, padding), (0, 0)))
        expected = padded[top : top + 9, left : left + 9]
        np.testing.assert_array_equal(result, expected[:, ::-1] if mirrored else expected)


def test_every_shift_and_both_directions_are_drawn() -> None:
    choices = PaddedCrop(padding=1, flip=True).draw(1000, torch.Generator().manual_seed(0))
    assert len(choices.unique(dim=0)) == 3 * 3 * 2
    assert not PaddedCrop(padding=1, flip=False).draw(100, torch.Generator().manual_seed(0))[:, 2].any()


@pytest.mark.parametrize("augment", [PaddedCrop(padding=2, flip=True), ResizedCrop(flip=True)])
def test_the_same_generator_draws_the_same_choices(augment: PaddedCrop | ResizedCrop) -> None:
    first, again = (augment.draw(50, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, augment.draw(50, torch.Generator().manual_seed(4)))


def test_a_resized_crop_of_everything_is_the_image_or_its_mirror_image() -> None:
    images = random_images(2, 8, 3)
    whole = torch.tensor([[0.0, 0, 1, 1, 1], [0.0, 0, 1, 1, -1]])
    varied = ResizedCrop(flip=True).apply(images, whole)
    torch.testing.assert_close(varied[0], images[0].float(), atol=1e-3, rtol=0)
    torch.testing.assert_close(varied[1], images[1].float().flip(1), atol=1e-3, rtol=0)


def test_a_resized_crop_samples_a_linear_image_where_the_box_says() -> None:
    # On an image whose value is its column, bilinear sampling gives the sampled column itself.
    size = 16
    images = torch.arange(size, dtype=torch.uint8).expand(size, size)[None, :, :, None].contiguous()
    x, width = 0.25, 0.5
    varied = ResizedCrop(flip=False).apply(images, torch.tensor([[x, 0.0, width, 0.5, 1.0]]))
    sampled = x + width * ((2 * torch.arange(size) + 1) / size - 1)
    columns = ((sampled + 1) * size - 1) / 2
    torch.testing.assert_close(varied[0, 0, :, 0], columns, atol=1e-3, rtol=0)


def test_resized_crops_lie_inside_the_image_with_the_area_that_is_stated() -> None:
    x, y, width, height, sign = ResizedCrop(flip=True).draw(2000, torch.Generator().manual_seed(0)).unbind(1)
    assert ((x.abs() + width) <= 1 + 1e-6).all()
    assert ((y.abs() + height) <= 1 + 1e-6).all()
    assert (width * height).max() <= AREA[1] + 1e-6
    assert (width * height).min() >= AREA[0] * 0.75
    assert set(sign.tolist()) == {-1.0, 1.0}


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_normalization_equals_its_formula(summary: DataSummary, memory_format: torch.memory_format) -> None:
    described = dataclasses.replace(summary, mean=(0.1, 0.5, 0.9), std=(0.2, 0.0, 1.0), channels=3)
    images = random_images(4, 8, 3)
    normalized = Normalization(described, torch.device("cpu"), memory_format)(images)
    assert normalized.is_contiguous(memory_format=memory_format)
    expected = (images.double() / 255 - torch.tensor(described.mean)) / torch.tensor([0.2, 1 / 255, 1.0])
    torch.testing.assert_close(normalized.double(), expected.permute(0, 3, 1, 2), rtol=1e-4, atol=1e-4)


def test_normalized_training_images_have_mean_zero_and_deviation_one(
    digits: DataSettings, summary: DataSummary
) -> None:
    from evaluator.images.data import load

    images = torch.from_numpy(np.array(load(digits, 0).train.images))
    normalized = Normalization(summary, torch.device("cpu"), torch.contiguous_format)(images)
    assert normalized.mean().item() == pytest.approx(0, abs=1e-4)
    assert normalized.std(correction=0).item() == pytest.approx(1, abs=1e-4)


def test_large_images_get_resized_crops_and_small_ones_padded_crops(summary: DataSummary) -> None:
    assert isinstance(make_augmentation(summary), PaddedCrop)
    assert isinstance(make_augmentation(dataclasses.replace(summary, resized_crop=True)), ResizedCrop)
