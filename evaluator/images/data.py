"""Images for a search: decoded once, described, and split in three.

The validation and the test split are the source's own. If it has none, they are carved from its training images: the
validation split by the seed of the search, the test split always in the same way. A search does not open the test split.

Axes: n images, h height, w width, c channels.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluator.images import cache
from evaluator.images.automatic import chosen_share
from evaluator.images.cache import DecodedSet, SetDescription
from evaluator.images.choices import crop_sentence, size_sentence, split_sentences
from evaluator.images.preparation import preparation
from evaluator.images.stratification import Labels, Rows, carve, limit
from evaluator.settings import DataSettings, data_faults
from evaluator.sources.findings import shown
from evaluator.sources.registry import SOURCES, MissingDataError, Source, find_source
from nas.errors import DataError, SettingsError

log = logging.getLogger(__name__)

RESIZED_CROP_FROM = 128
"""Side length in pixels from which training crops differ in size, unless a padding is set."""
VALIDATION_PURPOSE, LIMIT_PURPOSE = 1, 2
"""Names of the purposes that separate random streams made from one seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingImages:
    """All training images of the source, validation included: decoded and described."""

    images: npt.NDArray[np.uint8]
    """Pixels `uint8[n h w c]`, memory-mapped or shared by other means, read-only."""
    labels: Labels
    """Class of each image, `int64[n]`."""
    description: SetDescription


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSet:
    """A part of a decoded set."""

    images: npt.NDArray[np.uint8]
    """Pixels `uint8[all h w c]` of the whole set, memory-mapped."""
    labels: Labels
    """Class of each image of the whole set, `int64[all]`."""
    rows: Rows
    """Positions in the whole set of the images of this part, `int64[n]`, ascending."""

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    """The splits that trainings may see."""

    train: ImageSet
    validation: ImageSet
    summary: DataSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSummary:
    """Description of the images, of their split, and of the augmentation."""

    name: str
    image_size: int
    """Side length in pixels."""
    channels: int
    classes: int
    class_names: tuple[str, ...]
    train: int
    """Number of images that are trained on."""
    validation: int
    test: int
    mean: tuple[float, ...]
    """Mean per channel, of the source's training pixels scaled to 0..1."""
    std: tuple[float, ...]
    """Standard deviation per channel, of the source's training pixels scaled to 0..1."""
    flip: bool
    """Whether training images are randomly mirrored."""
    resized_crop: bool
    """Whether training crops differ in size and shape, as is usual for large images; they are then not padded."""
    crop_padding: int
    """Pixels by which training images are padded before a random crop."""
    majority_class: str
    """The commonest class of the validation images."""
    majority_share: float
    """Share of the validation images in the commonest class: the accuracy of always answering it."""
    majority_share_of_all: float
    """Share of all images of the source in that class; validation has relatively more images of small classes."""
    skipped_images: int
    """Number of unusable images that were left out, as `--data.skip_broken` allows."""
    skipped_classes: int
    """Number of classes with too few images that were left out, as `--data.skip_small_classes` allows."""
    repaired_images: int
    """Number of JPEG files that ended early and were repaired."""
    told: tuple[str, ...]
    """Sentences on what was chosen and why, and on what was not used unchanged."""
    preparation: tuple[tuple[str, str], ...]
    """How an image is prepared for a network, in enough detail to do it elsewhere: steps by name, in order."""
    fingerprint: str
    """A hash of the decoded pixels, the labels and the split."""

    @property
    def identity(self) -> dict[str, Any]:
        """The facts about the images that distinguish a training, as plain JSON."""
        return {name: getattr(self, name) for name in ("fingerprint", "flip", "resized_crop", "crop_padding")}

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """Shape `(n, c, h, w)` of a batch of one."""
        return (1, self.channels, self.image_size, self.image_size)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return {**plain, "preparation": dict(self.preparation)}


def prepare(data: DataSettings, *, seed: int) -> DataSummary:
    """Makes sure that the images are decoded, and describes the images and their split.

    Args:
        data: Settings of the images.
        seed: Seed of the split.

    Raises:
        SettingsError: Settings are out of range; the message lists all.
        DataError: The dataset is missing, broken or too small.
        OutputError: The cache cannot be written.
    """
    return load(data, seed).summary


def load(data: DataSettings, seed: int, given: TrainingImages | None = None) -> Splits:
    """Training and validation images, which are decoded if that was not done before.

    Args:
        data: Settings of the images.
        seed: Seed of the split.
        given: What `training_images` returned elsewhere; no file is opened then.

    Raises:
        SettingsError: Settings are out of range; the message lists all.
        DataError: The dataset is missing, broken or too small.
        OutputError: The cache cannot be written.
    """
    whole = training_images(data) if given is None else given
    train, validation = _split_rows(data, whole.labels, whole.description, seed)
    return Splits(
        train=ImageSet(images=whole.images, labels=whole.labels, rows=train),
        validation=ImageSet(images=whole.images, labels=whole.labels, rows=validation),
        summary=_summary(data, whole.labels, whole.description, train, validation),
    )


def training_images(data: DataSettings) -> TrainingImages:
    """All training images of the source, which are decoded if that was not done before.

    Raises:
        SettingsError: Settings are out of range; the message lists all.
        DataError: The dataset is missing or broken.
        OutputError: The cache cannot be written.
    """
    decoded = _decoded(data)
    return TrainingImages(
        images=decoded.images("train"), labels=decoded.labels("train"), description=decoded.description
    )


def nothing_held_out(splits: Splits) -> Splits:
    """The same images with those of the validation split among those to train on, and no validation images."""
    train, validation = splits.train, splits.validation
    rows = np.sort(np.concatenate([train.rows, validation.rows]))
    return Splits(
        train=replace(train, rows=rows),
        validation=replace(validation, rows=rows[:0]),
        summary=replace(splits.summary, train=len(rows), validation=0),
    )


def load_test(data: DataSettings) -> ImageSet:
    """The test images, for the final measurement of chosen networks. A search never calls this.

    Raises:
        SettingsError: Settings are out of range; the message lists all.
        DataError: The dataset is missing, broken or too small.
        OutputError: The cache cannot be written.
    """
    decoded = _decoded(data)
    labels = decoded.labels("test")
    return ImageSet(images=decoded.images("test"), labels=labels, rows=np.arange(len(labels)))


def _split_rows(data: DataSettings, labels: Labels, description: SetDescription, seed: int) -> tuple[Rows, Rows]:
    """Positions of the images to train on and of those to validate on."""
    own = np.arange(len(labels) - description.validation, len(labels))
    kept = np.arange(len(labels) - description.validation)
    if data.train_limit is not None:
        classes = len(description.class_names)
        if data.train_limit < 2 * classes:
            raise DataError(
                f"--data.train_limit is {data.train_limit}, but {classes} classes need at least "
                f"{2 * classes}: one image each to train on and one to validate on"
            )
        kept = limit(labels[kept], data.train_limit, np.random.default_rng([seed, LIMIT_PURPOSE]))
    if description.validation:
        return kept, own
    share = chosen_share(len(kept)) if data.validation_share is None else data.validation_share
    train, validation = carve(labels[kept], share, np.random.default_rng([seed, VALIDATION_PURPOSE]))
    return kept[train], kept[validation]


def _summary(
    data: DataSettings, labels: Labels, description: SetDescription, train: Rows, validation: Rows
) -> DataSummary:
    known = SOURCES.get(data.name)
    size = description.image_size
    resized = size >= RESIZED_CROP_FROM and data.crop_padding is None
    default_padding = 0 if resized else size // 8
    split = hashlib.sha256(description.content.encode() + train.tobytes() + b"|" + validation.tobytes())
    padding = data.crop_padding if data.crop_padding is not None else default_padding
    flip = data.flip if data.flip is not None else known is None or known.flip
    commonest = int(np.bincount(labels[validation]).argmax())
    return DataSummary(
        name=data.name,
        image_size=size,
        channels=description.channels,
        classes=len(description.class_names),
        class_names=description.class_names,
        train=len(train),
        validation=len(validation),
        test=description.test,
        mean=description.mean,
        std=description.std,
        flip=flip,
        resized_crop=resized,
        crop_padding=padding,
        majority_class=shown(description.class_names[commonest]),
        majority_share=float(np.mean(labels[validation] == commonest)),
        majority_share_of_all=description.class_counts[commonest] / sum(description.class_counts),
        skipped_images=description.skipped_images,
        skipped_classes=description.skipped_classes,
        repaired_images=description.repaired_images,
        told=(
            size_sentence(data, description),
            crop_sentence(data, size, resized=resized, padding=padding, flip=flip),
            *split_sentences(data, description, train=len(train), validation=len(validation)),
            *description.told_of_source,
            *description.told,
        ),
        preparation=tuple(
            preparation(
                size=size,
                channels=description.channels,
                decoder=description.decoder,
                bundled=known is not None and known.hub_id is None,
            ).items()
        ),
        fingerprint=split.hexdigest()[:16],
    )


def _decoded(data: DataSettings) -> DecodedSet:
    """The decoded set, which is made if necessary. If the source is gone but was decoded before, the cached set is used.

    A source that exists but is faulty is an error, even if the cache has a set, since its images would not be the present ones.
    """
    faults = data_faults(data)
    if faults:
        raise SettingsError("; ".join(faults))
    try:
        source = find_source(data)
    except MissingDataError:
        left = cache.newest(data)
        if left is None:
            raise
        log.warning("dataset %r was not found; its images are used as decoded earlier, from %s", data.name, left.folder)
        return left
    folder = cache.set_folder(data, source.identity)
    ready = cache.open_set(folder) or cache.write_set(folder, lambda draft: _make(source, data, draft))
    # Other files beside the images may have changed since they were decoded.
    return replace(ready, description=replace(ready.description, told_of_source=source.told))


def _make(source: Source, data: DataSettings, draft: Path) -> SetDescription:
    # Imported here: a machine that has the decoded set needs neither Pillow nor `datasets`.
    from evaluator.images.assembly import make_set

    return make_set(source, data, draft)
