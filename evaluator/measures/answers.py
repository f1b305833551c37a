"""What a network answered on a set of images, as far as measures need it.

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
    """Counted in one pass over the images."""

    confusion: NDArray[np.int64]
    """Images of each class by the class that was answered, `int64[c c]`."""
    loss: float
    """Sum over the images of minus the natural logarithm of the probability given to the right class."""
    squared_loss: float
    """Sum of its squares."""

    @property
    def images(self) -> int:
        """How many there are."""
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        """How many were answered rightly."""
        return int(self.confusion.trace())
