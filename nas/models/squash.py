"""Compresses the low tail of accuracies, since how bad a bad candidate is says little about good ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Squash:
    """A map that is logarithmic below a reference and the identity above it, with equal slopes where they meet."""

    reference: float
    scale: float
    """Distance below the reference from which the compression matters, in the unit of the values."""

    @classmethod
    def of(cls, values: Array, reference: float) -> Squash:
        """The map for some values, with the spread of the values above the reference as its scale."""
        above = values[values >= reference]
        spread = float(above.std()) if len(above) > 1 else 1.0
        return cls(reference, max(spread, 1e-3 * max(abs(reference), 1e-6)))

    def squashed(self, values: Array) -> Array:
        """The compressed values, `float[n] -> float[n]`."""
        below = np.minimum(values - self.reference, 0.0)
        return np.asarray(
            np.where(values < self.reference, self.reference - self.scale * np.log1p(-below / self.scale), values)
        )

    def restored(self, squashed: Array) -> Array:
        """The inverse of `squashed`, `float[n] -> float[n]`."""
        below = np.minimum(squashed - self.reference, 0.0)
        return np.asarray(
            np.where(squashed < self.reference, self.reference - self.scale * np.expm1(-below / self.scale), squashed)
        )
