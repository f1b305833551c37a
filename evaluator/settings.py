"""Settings of data and training. Field docstrings are the text of `--help`."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
"""Allowed values of `--train.precision`."""
CLASS_WEIGHTS = ("none", "balanced")
"""Allowed values of `--train.class_weights`."""
CROSS_ENTROPY = "cross_entropy"
MACHINE = ("precision", "channels_last", "graphs", "threads", "memory_gb")
"""Training settings that say how a machine computes, and not what. Precision and layout are stated as resolved on the machine."""
LATER = {"class_weights": "none", "loss": CROSS_ENTROPY}
"""Training settings that were added later, with the value that trains as before. At that value they are not part of an
identity, so that earlier studies and checkpoints stay valid.
"""


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Which images to use, and how to split them."""

    name: str = "digits"
    """digits (bundled with scikit-learn), cifar10, cifar100, tiny-imagenet, imagenet, a Hugging Face dataset id, or a folder
    that holds one sub-folder of images per class, or such folders in train, val and test.
    """
    root: str | None = None
    """Folder of local copies: ROOT/NAME/*.parquet in the Hugging Face schema, or image folders."""
    image_column: str | None = None
    """Column of the images. Default: the only column that holds images."""
    label_column: str | None = None
    """Column of the labels. Default: the only column that may hold labels, or the one named label or fine_label."""
    image_size: int | None = None
    """Side length in pixels to which images are resized, 8 to 1024. Default: 8 for digits, 32 for cifar10 and cifar100, 64 for
    tiny-imagenet, 224 for imagenet; for other datasets the median of the images' shorter sides, at least 8 and at most 224.
    """
    train_limit: int | None = None
    """Use at most this many of the source's training images, validation included (stratified, seeded), for a quick trial. If
    the source has a validation split of its own, all of its images are used and do not count.
    """
    validation_share: float | None = 0.1
    """Share of the training images that is held out for choosing candidates. auto: as many as give 1,000 images, but at least
    a tenth and at most three tenths, and never more than 5,000 images. Not used if the source has a validation split of its
    own (a folder val, valid or validation beside train, or Parquet files of that name).
    """
    skip_broken: bool = False
    """Continue without images that cannot be decoded, links that lead nowhere, pipes and devices, and report how many there
    are. Default: the search does not begin, and all of them are listed.
    """
    skip_small_classes: bool = False
    """Continue without classes that have too few images for training, validation and test, and report which. Default: the
    search does not begin, and all of them are listed.
    """
    flip: bool | None = None
    """Whether training images are randomly mirrored left to right. Default: yes, except for digits."""
    crop_padding: int | None = None
    """Number of pixels by which training images are padded before a random crop. Default: an eighth of the side length."""
    cache: str | None = None
    """Folder of the decoded images. Default: $XDG_CACHE_HOME/shufflenas or ~/.cache/shufflenas."""


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """How each candidate is trained. Learning rate and weight decay are decisions of the search space."""

    epochs: int | None = 10
    """Length of a candidate's full training, in epochs. auto: as many as make 3,000 steps, but at least 6 and at most 300."""
    batch_size: int = 128
    """Number of images per step."""
    class_weights: str = "none"
    """Weight of an image in the loss: none (all images count alike) or balanced (all classes count alike: the weight of an
    image is inverse to the number of training images in its class, and 1 on average).
    """
    loss: str = CROSS_ENTROPY
    """The loss that training minimizes: cross_entropy, or MODULE:FUNCTION for a function of your own that makes a `BatchLoss`.
    Python must find the module with the current PYTHONPATH. See examples/distillation.py.
    """
    momentum: float = 0.9
    """Nesterov momentum of the optimizer."""
    warmup: float = 0.1
    """Share of the steps over which the learning rate rises to its peak; it then falls to 0 along a cosine."""
    label_smoothing: float = 0.1
    """Probability that the training target spreads evenly over all classes."""
    ema: float = 0.99
    """Decay per step of the averaged weights, which is ramped up at the start. The averaged network is the one that is measured
    and kept.
    """
    penalty_ramp: float = 0.25
    """Share of the training over which the weight of the orthogonality penalty rises to its full value."""
    precision: str = "auto"
    """fp32, bf16 or fp16 (GPU only). auto: bf16 on a GPU that supports it in hardware, else fp32 (on a CPU, bf16 takes more
    than twice the time for these networks).
    """
    channels_last: bool | None = None
    """Whether activations have the memory layout channels last. Default: the layout that was measured to be faster on the
    device.
    """
    graphs: bool = True
    """Whether training steps on a GPU are repeated as CUDA graphs where that is possible. Otherwise their kernels are launched
    one by one.
    """
    memory_gb: float | None = None
    """Memory of a device for all trainings on it together, in GB (10^9 bytes). A training that does not fit beside the others
    waits; one that does not fit at all takes its batches in parts. Default: nine tenths of a GPU's memory; no limit on a
    CPU.
    """
    threads: int = 1
    """Number of CPU threads of one worker. On a CPU, results are equal to the last digit only with the same number of threads."""


def training_identity(train: TrainSettings) -> dict[str, Any]:
    """The settings that distinguish a training, by name, whichever machine computes it."""
    kept = {name: value for name, value in asdict(train).items() if name not in MACHINE}
    return {name: value for name, value in kept.items() if name not in LATER or value != LATER[name]}


def data_faults(data: DataSettings) -> list[str]:
    """In words, every data setting that is out of range, with its value and what is allowed. Opens no file."""
    faults = []
    if not data.name:
        faults.append("--data.name is empty; allowed: a dataset name, a Hugging Face id or a folder")
    if data.image_size is not None and not 8 <= data.image_size <= 1024:
        faults.append(f"--data.image_size is {data.image_size}; allowed: 8 to 1024 pixels")
    if data.train_limit is not None and data.train_limit < 2:
        faults.append(f"--data.train_limit is {data.train_limit}; allowed: 2 images or more")
    if data.validation_share is not None and not 0 < data.validation_share < 1:
        faults.append(f"--data.validation_share is {data.validation_share}; allowed: above 0 and below 1, or auto")
    if data.crop_padding is not None and not 0 <= data.crop_padding <= 512:
        faults.append(f"--data.crop_padding is {data.crop_padding}; allowed: 0 to 512 pixels")
    return faults


def train_faults(train: TrainSettings) -> list[str]:
    """In words, every training setting that is out of range, with its value and what is allowed."""
    faults = []
    for name, number, least, most in (
        *((("epochs", train.epochs, 1, 1_000_000),) if train.epochs is not None else ()),
        ("batch_size", train.batch_size, 2, 1_000_000),
        ("threads", train.threads, 1, 4_096),
    ):
        if not least <= number <= most:
            faults.append(f"--train.{name} is {number}; allowed: {least} to {most:,}")
    if train.memory_gb is not None and not 0 < train.memory_gb < math.inf:
        faults.append(f"--train.memory_gb is {train.memory_gb}; allowed: a finite number above 0")
    for name, share in (
        ("momentum", train.momentum),
        ("label_smoothing", train.label_smoothing),
        ("ema", train.ema),
    ):
        if not (math.isfinite(share) and 0 <= share < 1):
            faults.append(f"--train.{name} is {share}; allowed: 0 or more, below 1")
    for name, share in (("warmup", train.warmup), ("penalty_ramp", train.penalty_ramp)):
        if not 0 <= share <= 1:
            faults.append(f"--train.{name} is {share}; allowed: 0 to 1, a share of the training")
    if train.class_weights not in CLASS_WEIGHTS:
        faults.append(f"--train.class_weights is {train.class_weights!r}; allowed: {', '.join(CLASS_WEIGHTS)}")
    if train.precision not in PRECISIONS:
        faults.append(f"--train.precision is {train.precision!r}; allowed: {', '.join(PRECISIONS)}")
    return faults
