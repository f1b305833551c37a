"""What all trainings of a process share: the images on their device, the loss, and how it is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from evaluator.device import Execution, resolve_device, resolve_execution
from evaluator.images.augmentation import Normalization, make_augmentation
from evaluator.images.batches import BatchSource
from evaluator.images.data import Splits, TrainingImages, load
from evaluator.settings import DataSettings, TrainSettings, train_faults
from evaluator.training.allocator import keep_freed_memory
from evaluator.training.losses import BatchLoss, loss_factory
from evaluator.training.trainer import TrainingData
from nas.errors import DataError, SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What all trainings of this process share."""

    data: TrainingData
    data_identity: Mapping[str, Any]
    """The facts about the images that distinguish a training, as plain JSON."""
    loss: BatchLoss
    execution: Execution
    input_shape: tuple[int, int, int, int]
    """Shape `(1, c, h, w)` of a batch of one image."""


def load_all(
    data: DataSettings,
    train: TrainSettings,
    device: str,
    split_seed: int,
    fingerprint: str | None = None,
    given: TrainingImages | None = None,
    used: Callable[[Splits], Splits] = lambda splits: splits,
) -> Loaded:
    """Loads the images and the device.

    Args:
        data: Settings of the images.
        train: How each candidate is trained.
        device: Name of the device: auto, cpu or cuda.
        split_seed: Seed of the division into training and validation images.
        fingerprint: `DataSummary.fingerprint` of the images that the search began with; other images are refused.
        given: Images that were decoded elsewhere.
        used: Gives the splits that are trained and measured on, from those of the search.

    Raises:
        NasError: A setting, the dataset or the device is unusable.
    """
    faults = train_faults(train)
    if faults:
        raise SettingsError("; ".join(faults))
    execution = resolve_execution(train, resolve_device(device))
    if execution.device.type == "cpu" and train.memory_gb is None:
        keep_freed_memory()
    splits = load(data, split_seed, given)
    _require_same_images(data, splits.summary.fingerprint, fingerprint)
    splits = used(splits)
    images = BatchSource(splits.train, execution.device)
    return Loaded(
        data=TrainingData(
            train=images,
            validation=BatchSource(splits.validation, execution.device),
            augment=make_augmentation(splits.summary),
            normalize=Normalization(splits.summary, execution.device, execution.memory_format),
        ),
        data_identity=splits.summary.identity,
        loss=loss_factory(train)(train, images, splits.summary.classes),
        execution=execution,
        input_shape=splits.summary.input_shape,
    )


def _require_same_images(data: DataSettings, found: str, begun_with: str | None) -> None:
    """Refuses images that have changed since the search began.

    Raises:
        DataError: The images, or their split, have changed.
    """
    if begun_with is not None and found != begun_with:
        raise DataError(
            f"the images of --data.name {data.name!r} are not those the search began with (fingerprint {found}, then "
            f"{begun_with}); put those back, or begin a new search"
        )
