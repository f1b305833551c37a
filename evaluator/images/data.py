"""Images for a search: decoded once, described, and split in three.

The validation and the test split are the source's own. Where it has none they are carved from its training images: validation by
the seed of the search, test always alike. A search does not open the test split.

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
"""Tell the random streams apart that are made from one seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingImages:
    """The source's training images, validation included: decoded, whole, and described."""

    images: npt.NDArray[np.uint8]
    """`uint8[n h w c]`, memory-mapped or shared by other means: read only."""
    labels: Labels
    """`int64[n]`"""
    description: SetDescription


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSet:
    """Part of a decoded set."""

    images: npt.NDArray[np.uint8]
    """`uint8[all h w c]`, memory-mapped: the whole set of which this is a part."""
    labels: Labels
    """`int64[all]`: class of each image of the whole set."""
    rows: Rows
    """`int64[n]`: which of them belong to this part, ascending."""

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    """What a search may see."""

    train: ImageSet
    validation: ImageSet
    summary: DataSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSummary:
    """Description of the images, their split, and how training varies them."""

    name: str
    image_size: int
    """Side length in pixels."""
    channels: int
    classes: int
    class_names: tuple[str, ...]
    train: int
    """Number of images trained on."""
    validation: int
    test: int
    mean: tuple[float, ...]
    """A channel, of the source's training pixels scaled to 0..1."""
    std: tuple[float, ...]
    """A channel, of the source's training pixels scaled to 0..1."""
    flip: bool
    """Whether training images are mirrored."""
    resized_crop: bool
    """Whether training crops differ in size and shape, as is usual for large images; then nothing is padded."""
    crop_padding: int
    """Pixels by which training images are padded before a random crop."""
    majority_class: str
    """The commonest class of the validation images."""
    majority_share: float
    """Its share of them: what a network that always answers it would have right."""
    majority_share_of_all: float
    """Its share of all images of the source; where classes have few, validation has relatively more of these."""
    skipped_images: int
    """Images that cannot be used and were left out, as `--data.skip_broken` asks."""
    skipped_classes: int
    """Classes with too few images that were left out, as `--data.skip_small_classes` asks."""
    repaired_images: int
    """JPEG files that ended early."""
    told: tuple[str, ...]
    """What was chosen, with the reason, and what was not taken as it lay there, in sentences."""
    preparation: tuple[tuple[str, str], ...]
    """What is done to an image before a network sees it, enough to do the same elsewhere: steps with names, in order."""
    fingerprint: str
    """Changes with the decoded pixels, the labels and the split."""

    @property
    def identity(self) -> dict[str, Any]:
        """What of the images makes a training this one and no other; plain JSON."""
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
    """Makes sure that the images are decoded, and describes them and their split.

    Args:
        data: Which images.
        seed: Of the split.

    Raises:
        SettingsError: A setting is out of range; lists all.
        DataError: The dataset is missing, broken or too small.
        OutputError: The cache cannot be written.
    """
    return load(data, seed).summary


def load(data: DataSettings, seed: int, given: TrainingImages | None = None) -> Splits:
    """Training and validation images; decodes them if that was not done before.

    Args:
        data: Which images.
        seed: Of the split.
        given: What `training_images` gave elsewhere; nothing is opened then.

    Raises:
        SettingsError: A setting is out of range; lists all.
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
    """All of the source's training images; decodes them if that was not done before.

    Raises:
        SettingsError: A setting is out of range; lists all.
        DataError: The dataset is missing or broken.
        OutputError: The cache cannot be written.
    """
    decoded = _decoded(data)
    return TrainingImages(
        images=decoded.images("train"), labels=decoded.labels("train"), description=decoded.description
    )


def load_test(data: DataSettings) -> ImageSet:
    """Test images, for the final measurement of chosen networks; a search never calls this.

    Raises:
        SettingsError: A setting is out of range; lists all.
        DataError: The dataset is missing, broken or too small.
        OutputError: The cache cannot be written.
    """
    decoded = _decoded(data)
    labels = decoded.labels("test")
    return ImageSet(images=decoded.images("test"), labels=labels, rows=np.arange(len(labels)))


def _split_rows(data: DataSettings, labels: Labels, description: SetDescription, seed: int) -> tuple[Rows, Rows]:
    """Rows to train on and rows to validate on."""
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
    train, validation = carve(labels[kept], data.validation_share, np.random.default_rng([seed, VALIDATION_PURPOSE]))
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
            *split_sentences(data, description, len(validation)),
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
    """The decoded set, made if need be. Where the source is gone but was decoded before, the cache serves.

    A source that is there and faulty is an error, whatever the cache holds: its images would be other ones than it has now.
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
        log.warning("dataset %r is not there; its images decoded before are taken from %s", data.name, left.folder)
        return left
    folder = cache.set_folder(data, source.identity)
    ready = cache.open_set(folder) or cache.write_set(folder, lambda draft: _make(source, data, draft))
    # What lies beside the images may have changed since they were decoded.
    return replace(ready, description=replace(ready.description, told_of_source=source.told))


def _make(source: Source, data: DataSettings, draft: Path) -> SetDescription:
    # Imported here: a machine that has the decoded set needs neither Pillow nor `datasets`.
    from evaluator.images.assembly import make_set

    return make_set(source, data, draft)
