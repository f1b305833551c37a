"""Refuses numbers that no setting can have: NaN, infinities, and sizes that would hang a machine or fill its memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from nas.values.typed_value import shown

MOST = {
    "search.max_epochs": 10**12,
    "ray.max_concurrent": 10**5,
    "latency.networks": 10**5,
}
"""Largest allowed values by the name of the setting. Other groups of settings define theirs beside them."""


def number_faults(group: str, settings: Any) -> list[str]:
    """In words, every number in a group of settings that cannot be meant.

    Args:
        group: Name of the group.
        settings: A dataclass of numbers, texts and tuples of them.
    """
    faults = []
    for field in fields(settings):
        name, value = f"{group}.{field.name}", getattr(settings, field.name)
        most = MOST.get(name)
        if any(isinstance(each, float) and not math.isfinite(each) for each in _leaves(value)):
            faults.append(f"--{name}: must be finite, got {shown(value)}")
        elif most is not None and value is not None and value > most:
            faults.append(f"--{name}: must be {most} or less, got {shown(value)}")
    return faults


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _leaves(each)
    else:
        yield value
