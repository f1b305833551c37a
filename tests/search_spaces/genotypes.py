"""Draws genotypes of any space."""

from __future__ import annotations

import math
import random

from nas.dimensions import Choice, Dimension, IntRange, Scalar
from nas.space import SearchSpace


def draw(space: SearchSpace, rng: random.Random) -> dict[str, Scalar]:
    return {dimension.name: draw_value(dimension, rng) for dimension in space.dimensions}


def draw_value(dimension: Dimension, rng: random.Random) -> Scalar:
    if isinstance(dimension, Choice):
        return rng.choice(dimension.choices)
    if isinstance(dimension, IntRange):
        return rng.randint(dimension.low, dimension.high)
    return math.exp(rng.uniform(math.log(dimension.low), math.log(dimension.high)))
