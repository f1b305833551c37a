"""What is chosen by the number of images where a setting is auto: the validation share and the number of epochs."""

from __future__ import annotations

VALIDATED = 1_000
"""Number of validation images that is aimed at: with 80 % right answers, a standard error of 1.3 points."""
MOST_VALIDATED = 5_000
"""Number of validation images beyond which more of them tell networks hardly better apart, and validating takes longer."""
SHARES = (0.1, 0.3)
"""Least and greatest share for which training images are given up, or kept, to come near `VALIDATED`."""
STEPS = 3_000
"""Number of training steps that is aimed at, which small networks need to come near what they can reach."""
EPOCHS = (6, 300)
"""Least and greatest number of epochs, for many images and for few."""


def chosen_share(images: int) -> float:
    """The share of so many training images that is held out for validation.

    It gives `VALIDATED` images where a share within `SHARES` does, and never more than `MOST_VALIDATED`.
    """
    least, greatest = SHARES
    share = min(max(VALIDATED / images, least), greatest, max(MOST_VALIDATED / images, 1e-6))
    return float(f"{share:.2g}")


def chosen_epochs(images: int, batch_size: int) -> int:
    """The number of epochs that makes about `STEPS` steps of so many training images, within `EPOCHS`."""
    least, greatest = EPOCHS
    return min(max(round(STEPS / steps_per_epoch(images, batch_size)), least), greatest)


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Steps per epoch: only full batches, so that all steps are alike, or one smaller batch if there is no full one."""
    return max(images // batch_size, 1)
