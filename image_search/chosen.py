"""Fills in the settings that are chosen by the number of images, once the images are known."""

from __future__ import annotations

from dataclasses import replace

from evaluator.images.automatic import chosen_epochs, chosen_share, steps_per_epoch
from evaluator.images.data import DataSummary
from image_search.settings import Settings
from nas.errors import SettingsError
from nas.settings.search import contradictions


def with_chosen(settings: Settings, data: DataSummary) -> Settings:
    """The settings with numbers in the place of auto. A number that was given stays as it is.

    Raises:
        SettingsError: The number of epochs contradicts another setting.
    """
    train, images = settings.train, settings.data
    if train.epochs is None:
        train = replace(train, epochs=chosen_epochs(data.train, train.batch_size))
    if images.validation_share is None:
        images = replace(images, validation_share=chosen_share(data.train + data.validation))
    if faults := contradictions(settings.search, train.epochs):
        raise SettingsError("; ".join(faults))
    return replace(settings, train=train, data=images)


def training_line(settings: Settings, data: DataSummary, *, chosen: bool) -> str:
    """A line for the console: how long a training is, in epochs and steps.

    Args:
        settings: Settings with their number of epochs.
        data: Description of the images.
        chosen: Whether the number of epochs is that of `with_chosen`.
    """
    epochs, batch_size = settings.train.epochs, settings.train.batch_size
    assert epochs is not None
    steps = steps_per_epoch(data.train, batch_size)
    why = ", chosen by the number of images (--train.epochs auto)" if chosen else ""
    return (
        f"epochs      {epochs:,}, for {data.train:,} training images in batches of {batch_size}: "
        f"{epochs * steps:,} steps a training{why}"
    )
