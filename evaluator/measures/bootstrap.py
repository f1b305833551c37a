"""How much a measure varies with the choice of images, for measures without a formula for it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from evaluator.measures.answers import Answers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAWS = 200
"""Number of bootstrap draws, which makes the standard error accurate to about a twentieth."""


def deviation(answers: Answers, value: Callable[[NDArray[np.int64]], float]) -> float:
    """Standard deviation of one image, by a bootstrap over the images with a fixed seed.

    Drawing as many images again with replacement is drawing the counts of the confusion matrix from a multinomial distribution.
    The classes are drawn as well, so that their shares vary too, as they would in another set of images.

    Args:
        answers: The network's answers on the images.
        value: Computes the measure from a confusion matrix `int64[c c]`.
    """
    import numpy as np

    images = answers.images
    shape = answers.confusion.shape
    counts = answers.confusion.ravel()
    cells = np.flatnonzero(counts)
    rng = np.random.default_rng(0)
    draws = rng.multinomial(images, counts[cells] / images, size=DRAWS)
    values = np.empty(DRAWS)
    for k, drawn in enumerate(draws):
        again = np.zeros(counts.size, dtype=np.int64)
        again[cells] = drawn
        values[k] = value(again.reshape(shape))
    return float(values.std(ddof=1)) * math.sqrt(images)
