"""Images for a search: decoded once, described, and split in three.

Validation is always carved from the source's training images. The test split is what the source calls test or validation (a
fixed part of its training images where it has none); a search does not open it.

Axes: n images, h height, w width, c channels.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluator import cache
from evaluator.cache import DecodedSet, SetDescription
from evaluator.settings import DataSettings, data_faults
from evaluator.sources import SOURCES, MissingDataError, Source, find_source, requested_size
from evaluator.stratification import Labels, Rows, carve, limit, require_images
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
    fingerprint: str
    """Changes with the decoded pixels, the labels and the split."""

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """Shape `(n, c, h, w)` of a batch of one."""
        return (1, self.channels, self.image_size, self.image_size)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        plain = asdict(self)
        return {**plain, "class_names": list(self.class_names), "mean": list(self.mean), "std": list(self.std)}


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
    train, validation = _split_rows(data, whole.labels, whole.description.class_names, seed)
    return Splits(
        train=ImageSet(images=whole.images, labels=whole.labels, rows=train),
        validation=ImageSet(images=whole.images, labels=whole.labels, rows=validation),
        summary=_summary(data, whole.description, train, validation),
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


def _split_rows(data: DataSettings, labels: Labels, class_names: tuple[str, ...], seed: int) -> tuple[Rows, Rows]:
    """Rows to train on and rows to validate on."""
    require_images(labels, class_names, least=2, purpose="one to train on and one to validate on")
    kept = np.arange(len(labels))
    if data.train_limit is not None:
        if data.train_limit < 2 * len(class_names):
            raise DataError(
                f"--data.train_limit is {data.train_limit}, but {len(class_names)} classes need at least "
                f"{2 * len(class_names)}: one image each to train on and one to validate on"
            )
        kept = limit(labels, data.train_limit, np.random.default_rng([seed, LIMIT_PURPOSE]))
    train, validation = carve(labels[kept], data.validation_share, np.random.default_rng([seed, VALIDATION_PURPOSE]))
    return kept[train], kept[validation]


def _summary(data: DataSettings, description: SetDescription, train: Rows, validation: Rows) -> DataSummary:
    known = SOURCES.get(data.name)
    size = description.image_size
    resized = size >= RESIZED_CROP_FROM and data.crop_padding is None
    default_padding = 0 if resized else size // 8
    split = hashlib.sha256(description.content.encode() + train.tobytes() + b"|" + validation.tobytes())
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
        flip=data.flip if data.flip is not None else known is None or known.flip,
        resized_crop=resized,
        crop_padding=data.crop_padding if data.crop_padding is not None else default_padding,
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
    ready = cache.open_set(folder)
    return ready if ready is not None else cache.write_set(folder, lambda draft: _decode(data, source, draft))


def _decode(data: DataSettings, source: Source, draft: Path) -> SetDescription:
    """Decodes a source into a folder."""
    # Imported here: a machine that has the decoded set needs neither Pillow nor `datasets`.
    from tqdm import tqdm

    from evaluator.decoding import Form, decode, survey
    from evaluator.reading import read

    with TemporaryDirectory(dir=draft) as scratch:
        raw = read(source, data, Path(scratch))
        known = source.known
        size = requested_size(data)
        if size is not None and known is not None and known.channels is not None:
            form = Form(size=size, channels=known.channels)
        else:
            form = survey([raw.train, raw.test], size)
        parts = {"train": raw.train, "test": raw.test}
        total = sum(len(split.labels) for split in parts.values())
        cache.room_for(draft, total, form.size, form.channels)
        facts = {}
        with tqdm(total=total, desc=f"decoding {data.name}", unit=" images", leave=False, disable=None) as bar:
            for part, split in parts.items():
                shape = (len(split.labels), form.size, form.size, form.channels)
                file = draft / f"{part}_images.npy"
                images = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape)
                facts[part] = decode(split, form, images, bar.update)
                images.flush()
                np.save(draft / f"{part}_labels.npy", split.labels)
    mean, std = facts["train"].mean_and_deviation()
    return SetDescription(
        name=data.name,
        image_size=form.size,
        channels=form.channels,
        class_names=raw.class_names,
        mean=mean,
        std=std,
        train=len(raw.train.labels),
        test=len(raw.test.labels),
        content=hashlib.sha256((facts["train"].sha256 + facts["test"].sha256).encode()).hexdigest(),
    )
