"""Sentences on what was chosen for the images by default, with the reasons."""

from __future__ import annotations

from evaluator.images.automatic import chosen_share
from evaluator.images.cache import SetDescription
from evaluator.settings import DataSettings
from evaluator.sources.registry import requested_size


def size_sentence(data: DataSettings, description: SetDescription) -> str:
    """A sentence on the size of the images and the reason for it."""
    size = description.image_size
    if data.image_size is not None:
        why = "as asked for by --data.image_size"
    elif description.sides is None or requested_size(data) is not None:
        why = f"the usual size of {description.name}"
    else:
        least, median, greatest = description.sides
        why = f"the median of their shorter sides ({least} to {greatest})"
        if median != size:
            why += (
                f" is {median}, of which {'at most' if median > size else 'at least'} {size} is taken unless asked for"
            )
        why += "; another with --data.image_size"
    return f"image size: {size} x {size} pixels, {why}"


def crop_sentence(data: DataSettings, size: int, *, resized: bool, padding: int, flip: bool) -> str:
    """A sentence on how training images are augmented and the reason for it."""
    pixels = f"{padding} pixel{'' if padding == 1 else 's'}"
    if resized:
        how = f"random crops of a quarter of the area or more, resized, as is usual for images of {size} pixels"
    elif data.crop_padding is not None:
        how = f"random crops after padding by {pixels}, as asked for by --data.crop_padding"
    else:
        how = f"random crops after padding by {pixels}, an eighth of the side"
    return f"training images: {how}; {'mirrored' if flip else 'not mirrored'}. Other images: the square in their centre"


def split_sentences(data: DataSettings, description: SetDescription, *, train: int, validation: int) -> tuple[str, str]:
    """Sentences on where the validation and the test images come from."""
    if description.validation:
        where = "those of the source's own validation split; --data.validation_share is not used"
    elif data.validation_share is None:
        share = chosen_share(train + validation)
        where = (
            f"a share of {share:g} of the training images, chosen by their number (--data.validation_share auto), "
            "drawn by the seed"
        )
    else:
        where = (
            f"a share of {data.validation_share:g} of the training images (--data.validation_share), drawn by the seed"
        )
    test = (
        "carved from the training images, as the source has no test split"
        if description.carved_test
        else "the source's own"
    )
    return (
        f"validation images: {validation:,}, {where}",
        f"test images: {description.test:,}, {test}; no search uses them",
    )
