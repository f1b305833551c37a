"""The expected cost of a search, in words, before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nas.dimensions import FloatRange
from nas.objectives import Objective
from nas.report.duration import range_words
from nas.report.images import image_lines
from nas.report.quantities import short
from nas.space import SearchSpace

SUPPOSED = 0.8
"""Share of right answers for which it is said beforehand how well networks can be told apart."""
COARSE = 5.0
"""Points; where only larger differences can be told apart, that is warned of."""
WANTED = 2.0
"""Points that a front should be able to tell apart."""
FEW_STEPS = 400
"""With fewer training steps, networks are far from what they can reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineCost:
    """The cost of one known network of the space."""

    name: str
    costs: Mapping[str, float]
    """Known costs by name."""
    step_seconds: float
    """Measured seconds of one training step on the device, while the other workers train too."""


def forecast_text(
    *,
    data: Mapping[str, Any],
    space: SearchSpace,
    quantities: Sequence[Objective],
    baselines: Sequence[BaselineCost],
    training: str,
    steps: int,
    seconds: tuple[float, float],
    what: str,
) -> str:
    """A few lines: the size of the space, the costs of the baselines, and how long a search takes.

    Args:
        data: Description of the images, as in `nas.search.result.SearchResult.data`.
        space: The space that would be searched.
        quantities: The costs that are reported, with their formats.
        baselines: Costs of the baselines.
        training: A line that says how long a training is.
        steps: Number of steps of a full training.
        seconds: The least and the greatest number of seconds that the search is expected to take.
        what: In words, what takes this long.
    """
    real = sum(isinstance(dimension, FloatRange) for dimension in space.dimensions)
    lines = [
        *image_lines(data),
        training,
        f"space       {space.name}: {len(space.dimensions)} decisions, {real} of them real-valued; the others have "
        f"{space.size:.3g} combinations",
        *(["baselines"] if baselines else []),
    ]
    for baseline in baselines:
        costs = " ".join(
            f"{short(cost, baseline.costs[cost.name]):>9} {cost.words if cost.is_counted else cost.unit or cost.words}"
            for cost in quantities
            if cost.name in baseline.costs
        )
        lines.append(f"  {baseline.name:28} {costs} {baseline.step_seconds * 1e3:8.1f} ms per step")
    lines.append(f"time        {range_words(*seconds)}: {what}")
    return "\n".join([*lines, *thin_data_warnings(data, steps)])


def thin_data_warnings(data: Mapping[str, Any], steps: int) -> list[str]:
    """Warnings where a front would mean little, because there are too few training steps, or too few images to choose by.

    Args:
        data: Description of the images.
        steps: Number of steps of a full training.
    """
    images = max(data["validation"], 1)
    resolved = 2 * math.sqrt(2) * 100 * math.sqrt(SUPPOSED * (1 - SUPPOSED) / images)
    found = []
    if resolved > COARSE:
        wanted = images * (resolved / WANTED) ** 2
        found.append(
            f"warning     {images:,} validation images: networks that differ by less than {resolved:.0f} points cannot be told "
            f"apart (at {SUPPOSED:.0%} right answers); {WANTED:g} points take about {float(f'{wanted:.2g}'):,.0f} images: more "
            "images in all, or a larger --data.validation_share"
        )
    if steps < FEW_STEPS:
        found.append(
            f"warning     {steps} training steps in all: too few to reach what networks can; raise --train.epochs or lower "
            "--train.batch_size"
        )
    return found
