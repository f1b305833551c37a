"""Finds every fault in the settings of a space, so that a person can mend them all at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from nas.errors import unknown_name
from nas.json_fields import shown
from search_spaces.architecture import KINDS
from search_spaces.blocks import BLOCKS
from search_spaces.blocks.spec import NORMALIZERS, PENALTIES, ROUNDINGS, SHARES, SUM_LEVELS
from search_spaces.reconstruction import TRANSFORMATIONS
from search_spaces.settings import SpaceSettings

FORMS = ("auto", "small", "imagenet")
RESIDUAL_UNITS = ("basic", "bottleneck")
MOST_REBUILT = 0.99
SMALLEST_IMAGE = 8
WIDEST = 64
"""As a multiple of a published network."""
MOST_CHANNELS = 16_384
"""Of one stage, a growth rate, or as a number of groups or templates."""
MOST_RANKS = 1_024
"""Kronecker ranks, ranks to choose from, and sides of a factor."""
LARGEST_RATE = 1e6
SMALLEST_RATE = 1e-12
"""But for 0."""
SMALLEST_IMAGENET_IMAGE = 32
LARGEST_IMAGE = 2**14
MOST_IMAGE_CHANNELS = 2**10
MOST_CLASSES = 10**6
MOST_UNITS = 256
"""Of a stage."""
MOST_ITEMS = 1000
"""Of a setting."""


def faults(settings: SpaceSettings, *, stages: int, image_size: int, channels: int, classes: int) -> list[str]:
    """What is wrong with the settings that all spaces share, one sentence each; empty when nothing is."""
    return [*_image_faults(settings.form, image_size, channels, classes), *setting_faults(settings, stages=stages)]


def setting_faults(settings: SpaceSettings, *, stages: int) -> list[str]:
    """What is wrong with the settings of a space with so many stages, whatever the images are."""
    return [
        *_one_of("space.form", settings.form, FORMS),
        *_one_of("space.stem_kernel", settings.stem_kernel, (1, 3)),
        *_units_faults(settings.units, stages),
        *names_faults("space.mixers", "mixer", settings.mixers, BLOCKS),
        *_convolution_kind_faults(settings.convolutions),
        *_whole("space.group_ranks", settings.group_ranks, 1, MOST_RANKS),
        *_whole("space.pair_ranks", settings.pair_ranks, 1, MOST_RANKS),
        *_whole("space.max_factor", settings.max_factor, 2, MOST_RANKS),
        *_numbers("space.reductions", settings.reductions, whole=True, low=1, high=MOST_CHANNELS),
        *names_faults("space.shares", "share", settings.shares, SHARES),
        *_numbers("space.kron_ranks", settings.kron_ranks, whole=True, low=1, high=MOST_RANKS),
        *names_faults("space.sum_levels", "level", settings.sum_levels, SUM_LEVELS),
        *names_faults("space.normalizers", "normalizer", settings.normalizers, NORMALIZERS),
        *names_faults("space.penalties", "penalty", settings.penalties, PENALTIES),
        *names_faults("space.roundings", "rounding", settings.roundings, ROUNDINGS),
        *_numbers("space.binarize_from", settings.binarize_from, low=0, high=1),
        *names_faults("space.residual_units", "residual unit", settings.residual_units, RESIDUAL_UNITS),
        *_numbers("space.learned_groups", settings.learned_groups, whole=True, low=2, high=MOST_CHANNELS),
        *_numbers("space.rebuilt_shares", settings.rebuilt_shares, low=0, high=MOST_REBUILT),
        *_numbers("space.filter_groups", settings.filter_groups, whole=True, low=1, high=MOST_CHANNELS),
        *names_faults("space.transformations", "transformation", settings.transformations, TRANSFORMATIONS),
        *_numbers("space.least_templates", settings.least_templates, whole=True, low=1, high=MOST_CHANNELS),
        *_log_range("space.sparsity_step", settings.sparsity_step, positive=True),
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
    return low <= value <= high and abs(value) < math.inf  # no conversion, in which a large integer overflows


def is_multiple(width: object) -> bool:
    """Whether it is a width as a multiple of a published network."""
    return is_number(width, high=WIDEST) and width > 0  # type: ignore[operator]


def items_of(value: object) -> list[Any] | None:
    """Its items if it is a tuple or list, else None."""
    return list(value) if isinstance(value, tuple | list) else None


def multiple_faults(widths: object) -> list[str]:
    """What is wrong with widths that are multiples of a published network; None stands for a default."""
    if widths is None:
        return []
    items = items_of(widths)
    if not items:
        return [f"space.widths = {shown(widths)} must be a list of at least one width"]
    wrong = [width for width in items if not is_multiple(width)]
    if wrong:
        return [
            f"space.widths holds {', '.join(map(shown, wrong))}; allowed: multiples above 0 and up to {WIDEST}, 1 being 1x"
        ]
    return _collection("space.widths", widths)[1]


def growth_faults(widths: object) -> list[str]:
    """What is wrong with widths that are growth rates, positive integers; None stands for a default."""
    if widths is None:
        return []
    if not items_of(widths):
        return [f"space.widths = {shown(widths)} must be a list of at least one growth rate"]
    return _numbers("space.widths", widths, whole=True, low=1, high=MOST_CHANNELS)


def convolution_faults(conv_groups: object) -> list[str]:
    """What is wrong with the groups of grouped convolutions, 2 or more; None stands for a default."""
    return (
        [] if conv_groups is None else _numbers("space.conv_groups", conv_groups, whole=True, low=2, high=MOST_CHANNELS)
    )


def _image_faults(form: str, image_size: int, channels: int, classes: int) -> list[str]:
    found = [
        *_whole("image_size", image_size, SMALLEST_IMAGE, LARGEST_IMAGE),
        *_whole("channels", channels, 1, MOST_IMAGE_CHANNELS),
    ]
    if not found and form == "imagenet" and image_size < SMALLEST_IMAGENET_IMAGE:
        found.append(
            f"image_size = {image_size} is too small for space.form = 'imagenet', which needs "
            f"{SMALLEST_IMAGENET_IMAGE} pixels or more; use 'small'"
        )
    return [*found, *_whole("classes", classes, 2, MOST_CLASSES)]


def _convolution_kind_faults(kinds: object) -> list[str]:
    if kinds is None:
        return []
    return names_faults("space.convolutions", "kind of convolutions", kinds, KINDS)


def _units_faults(units: object, stages: int) -> list[str]:
    if units is None:
        return []
    each = items_of(units)
    if each is None or len(each) != stages:
        example = ", ".join(["[4]"] * stages)
        return [f"space.units = {shown(units)} must have one list for each of the {stages} stages, such as [{example}]"]
    return [
        fault
        for stage, counts in enumerate(each, start=1)
        for fault in _numbers(f"space.units of stage {stage}", counts, whole=True, low=1, high=MOST_UNITS)
    ]


def _one_of(name: str, value: object, allowed: Sequence[object]) -> list[str]:
    if value in allowed:
        return []
    return [f"{name} = {shown(value)} is not one of {', '.join(map(str, allowed))}"]


def _whole(name: str, value: object, low: int, high: float = math.inf) -> list[str]:
    if is_number(value, whole=True, low=low, high=high):
        return []
    bounds = f"from {low} to {high}" if high < math.inf else f"of at least {low}"
    return [f"{name} = {shown(value)} must be an integer {bounds}"]


def _collection(name: str, values: object) -> tuple[list[Any], list[str]]:
    """The items, and what is wrong with them as a collection of distinct things."""
    items = items_of(values)
    if items is None:
        return [], [f"{name} = {shown(values)} must be a list"]
    if not items:
        return [], [f"{name} is empty; it needs at least one value"]
    if len(items) > MOST_ITEMS:
        return [], [f"{name} has {len(items):,} values; allowed: at most {MOST_ITEMS:,}"]
    repeated = sorted({shown(item) for item in items if items.count(item) > 1})
    return items, [f"{name} = {shown(items)} holds {', '.join(repeated)} twice"] if repeated else []


def _numbers(
    name: str, values: object, *, whole: bool = False, low: float = -math.inf, high: float = math.inf
) -> list[str]:
    items, found = _collection(name, values)
    wrong = [item for item in items if not is_number(item, whole=whole, low=low, high=high)]
    if wrong:
        kind = "integers" if whole else "numbers"
        bounds = f"from {low} to {high}" if high < math.inf else f"of at least {low}"
        found.append(f"{name} holds {', '.join(map(shown, wrong))}; allowed: {kind} {bounds}")
    return found


def names_faults(name: str, kind: str, values: object, known: Iterable[str]) -> list[str]:
    """What is wrong with a list of distinct known names."""
    items, found = _collection(name, values)
    return found + [f"{name}: {unknown_name(kind, str(item), known)}" for item in items if str(item) not in known]


def _log_range(name: str, bounds: object, *, positive: bool = False) -> list[str]:
    ends = items_of(bounds)
    if ends is None or len(ends) != 2:
        return [f"{name} = {shown(bounds)} must be [low, high]"]
    low, high = ends
    if not (is_number(low, low=0) and is_number(high, low=0)) or low > high:
        return [f"{name} = {shown(ends)} must be [low, high] with 0 <= low <= high"]
    if not all(end == 0 or is_number(end, low=SMALLEST_RATE, high=LARGEST_RATE) for end in ends):
        return [
            f"{name} = {shown(ends)} must be [low, high] with ends of 0 or from {SMALLEST_RATE:g} to {LARGEST_RATE:g}"
        ]
    if low == 0 and (positive or high > 0):
        return [f"{name} = {shown(ends)} must begin above 0: it is searched on a log scale"]
    return []
