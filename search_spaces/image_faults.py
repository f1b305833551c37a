"""Refuses images that no network of a space is made for."""

from __future__ import annotations

from search_spaces.value_faults import whole_faults

SMALLEST_IMAGE = 8
SMALLEST_IMAGENET_IMAGE = 32
LARGEST_IMAGE = 2**14
MOST_IMAGE_CHANNELS = 2**10
MOST_CLASSES = 10**6


def image_faults(form: str, image_size: int, channels: int, classes: int) -> list[str]:
    """What is wrong with the images for a space of this form, one sentence for each fault."""
    found = [
        *whole_faults("image_size", image_size, SMALLEST_IMAGE, LARGEST_IMAGE),
        *whole_faults("channels", channels, 1, MOST_IMAGE_CHANNELS),
    ]
    if not found and form == "imagenet" and image_size < SMALLEST_IMAGENET_IMAGE:
        found.append(
            f"image_size = {image_size} is too small for space.form = 'imagenet', which needs "
            f"{SMALLEST_IMAGENET_IMAGE} pixels or more; use 'small'"
        )
    return [*found, *whole_faults("classes", classes, 2, MOST_CLASSES)]
