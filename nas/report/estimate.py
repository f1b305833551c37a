"""What a search would cost, in words, before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from nas.space import SearchSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineEstimate:
    """One known network of the space."""

    name: str
    macs: float
    params: float
    step_seconds: float
    """Measured time of one training step on the device."""


def estimate_text(
    *,
    data: Mapping[str, Any],
    space: SearchSpace,
    baselines: Sequence[BaselineEstimate],
    trials: int,
    epochs: int,
    batch_size: int,
    workers: int,
    device: str,
) -> str:
    """The space's size, the baselines' costs and about how long a search takes, a few lines.

    Args:
        data: Description of the images, as in `nas.result.SearchResult.data`.
        space: What would be searched.
        baselines: At least one is needed to tell the time.
        trials: Candidates to train.
        epochs: Full training of each.
        batch_size: Images a step.
        workers: Candidates trained at the same time.
        device: Where, in words.
    """
    combinations = "a continuum of" if space.size == float("inf") else f"{space.size:.3g}"
    lines = [
        f"data        {data['name']}: {data['train']:,} train and {data['validation']:,} validation images, "
        f"{data['image_size']}x{data['image_size']}x{data['channels']}, {data['classes']} classes",
        f"space       {space.name}: {len(space.dimensions)} decisions, {combinations} combinations",
        "baselines",
    ]
    lines += [
        f"  {baseline.name:28} {baseline.macs / 1e6:9.3f} M multiply-adds {baseline.params / 1e6:8.3f} M parameters "
        f"{baseline.step_seconds * 1e3:8.1f} ms a step"
        for baseline in baselines
    ]
    what = f"{trials} trials of {epochs} epochs, {workers} at a time on {device}"
    if baselines:
        steps = max(data["train"] // batch_size, 1) * epochs
        seconds = trials * steps * fmean(baseline.step_seconds for baseline in baselines) / workers
        lines.append(
            f"time        about {_duration(seconds)}: {what}, at the baselines' mean step; measuring comes on top"
        )
    else:
        lines.append(f"time        not estimated without a baseline: {what}")
    return "\n".join(lines)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"
