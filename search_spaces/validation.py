"""Finds every fault in the settings of a space, so that a person can mend them all at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from nas.errors import unknown_name
from search_spaces.blocks import BLOCKS
from search_spaces.blocks.spec import NORMALIZERS, PENALTIES, ROUNDINGS, SHARES, SUM_LEVELS
from search_spaces.settings import SpaceSettings

STAGES = 3
FORMS = ("auto", "small", "imagenet")
SMALLEST_IMAGE = 8
SMALLEST_IMAGENET_IMAGE = 32


def faults(settings: SpaceSettings, *, image_size: int, channels: int, classes: int) -> list[str]:
    """What is wrong with the settings that all ShuffleNet spaces share, one sentence each; empty when nothing is."""
    return [*_image_faults(settings.form, image_size, channels, classes), *setting_faults(settings)]


def setting_faults(settings: SpaceSettings) -> list[str]:
    """What is wrong with the settings whatever the images are."""
    return [
        *_one_of("space.form", settings.form, FORMS),
        *_one_of("space.stem_kernel", settings.stem_kernel, (1, 3)),
        *_units_faults(settings.units),
        *_names("space.mixers", "mixer", settings.mixers, BLOCKS),
        *_whole("space.group_ranks", settings.group_ranks, 1),
        *_whole("space.pair_ranks", settings.pair_ranks, 1),
        *_whole("space.max_factor", settings.max_factor, 2),
        *_numbers("space.reductions", settings.reductions, whole=True, low=1),
        *_names("space.shares", "share", settings.shares, SHARES),
        *_numbers("space.kron_ranks", settings.kron_ranks, whole=True, low=1),
        *_names("space.sum_levels", "level", settings.sum_levels, SUM_LEVELS),
        *_names("space.normalizers", "normalizer", settings.normalizers, NORMALIZERS),
        *_names("space.penalties", "penalty", settings.penalties, PENALTIES),
        *_names("space.roundings", "rounding", settings.roundings, ROUNDINGS),
        *_numbers("space.binarize_from", settings.binarize_from, low=0, high=1),
        *_log_range("space.orth_weight", settings.orth_weight),
        *_log_range("space.temperature", settings.temperature, positive=True),
        *_log_range("space.lr", settings.lr, positive=True),
        *_log_range("space.weight_decay", settings.weight_decay),
    ]


def is_number(value: object, *, whole: bool = False, low: float = -math.inf, high: float = math.inf) -> bool:
    """Whether it is a finite number from `low` to `high`, and an integer where `whole`; booleans are none."""
    kinds = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds):
        return False
    return math.isfinite(value) and low <= value <= high


def items_of(value: object) -> list[Any] | None:
    """Its items if it is a tuple or list, else None."""
    return list(value) if isinstance(value, tuple | list) else None


def _image_faults(form: str, image_size: int, channels: int, classes: int) -> list[str]:
    found = [*_whole("image_size", image_size, SMALLEST_IMAGE), *_whole("channels", channels, 1)]
    if not found and form == "imagenet" and image_size < SMALLEST_IMAGENET_IMAGE:
        found.append(
            f"image_size = {image_size} is too small for space.form = 'imagenet', which needs "
            f"{SMALLEST_IMAGENET_IMAGE} pixels or more; use 'small'"
        )
    return [*found, *_whole("classes", classes, 2)]


def _units_faults(units: object) -> list[str]:
    if units is None:
        return []
    stages = items_of(units)
    if stages is None or len(stages) != STAGES:
        return [f"space.units = {units!r} must have one list for each of the {STAGES} stages, such as [[4], [8], [4]]"]
    return [
        fault
        for stage, counts in enumerate(stages, start=1)
        for fault in _numbers(f"space.units of stage {stage}", counts, whole=True, low=1)
    ]


def _one_of(name: str, value: object, allowed: Sequence[object]) -> list[str]:
    if value in allowed:
        return []
    return [f"{name} = {value!r} is not one of {', '.join(map(str, allowed))}"]


def _whole(name: str, value: object, low: int) -> list[str]:
    return [] if is_number(value, whole=True, low=low) else [f"{name} = {value!r} must be an integer of at least {low}"]


def _collection(name: str, values: object) -> tuple[list[Any], list[str]]:
    """The items, and what is wrong with them as a collection of distinct things."""
    items = items_of(values)
    if items is None:
        return [], [f"{name} = {values!r} must be a list"]
    if not items:
        return [], [f"{name} is empty; it needs at least one value"]
    repeated = sorted({repr(item) for item in items if items.count(item) > 1})
    return items, [f"{name} = {items!r} holds {', '.join(repeated)} twice"] if repeated else []


def _numbers(
    name: str, values: object, *, whole: bool = False, low: float = -math.inf, high: float = math.inf
) -> list[str]:
    items, found = _collection(name, values)
    wrong = [item for item in items if not is_number(item, whole=whole, low=low, high=high)]
    if wrong:
        kind = "integers" if whole else "numbers"
        bounds = f"from {low} to {high}" if high < math.inf else f"of at least {low}"
        found.append(f"{name} holds {', '.join(map(repr, wrong))}; allowed: {kind} {bounds}")
    return found


def _names(name: str, kind: str, values: object, known: Iterable[str]) -> list[str]:
    items, found = _collection(name, values)
    return found + [f"{name}: {unknown_name(kind, str(item), known)}" for item in items if str(item) not in known]


def _log_range(name: str, bounds: object, *, positive: bool = False) -> list[str]:
    ends = items_of(bounds)
    if ends is None or len(ends) != 2:
        return [f"{name} = {bounds!r} must be [low, high]"]
    low, high = ends
    if not (is_number(low, low=0) and is_number(high, low=0)) or low > high:
        return [f"{name} = {ends!r} must be [low, high] with 0 <= low <= high"]
    if low == 0 and (positive or high > 0):
        return [f"{name} = {ends!r} must begin above 0: it is searched on a log scale"]
    return []
