"""A network's answers on a set of images, as far as measures need them.

Axis: c classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """Counts of a network's answers, made in one pass over the images."""

    confusion: NDArray[np.int64]
    """Number of images of each class by the class that was answered, `int64[c c]`."""
    loss: float
    """Sum of the cross-entropy losses of the images, in nats."""
    squared_loss: float
    """Sum of the squared losses of the images."""

    @property
    def images(self) -> int:
        """The number of images."""
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        """The number of images that were answered correctly."""
        return int(self.confusion.trace())
