"""Settings of earlier versions, which old command lines and config files still use, under their present names."""

from __future__ import annotations

from collections.abc import Sequence

from nas.errors import SettingsError
from nas.settings.axes import LIMITS
from nas.settings.given import Given
from nas.values.typed_value import typed

REFERENCES = "search.references"
RENAMED = {"ray.max_failures": "search.max_lost_workers", "latency.batch": "search.inference_batch"}
"""Present name by former name."""
RENAMED_VALUES = {("search.stopping", "auto"): "bound"}
"""Present value by setting and former value."""
PARTS = {
    "search.max_latency": (LIMITS, "latency"),
    "search.max_memory": (LIMITS, "memory"),
    "search.reference_macs": (REFERENCES, "macs"),
    "search.reference_params": (REFERENCES, "params"),
    "search.reference_latency": (REFERENCES, "latency"),
    "search.reference_memory": (REFERENCES, "memory"),
}
"""For each former name, the setting that it is part of now, and the name of the part."""


def renewed(given: Sequence[Given]) -> tuple[list[Given], str]:
    """The settings under their present names, and a line that says which had others; the line is empty if none had.

    A part that a flag gives wins over the same part in a file.

    Raises:
        SettingsError: A former setting is not a number.
    """
    former: dict[tuple[str, str], Given] = {}
    left: list[Given] = []
    told = []
    for item in given:
        if item.key in PARTS:
            former[PARTS[item.key]] = item
        else:
            left.append(_renamed(item))
            if left[-1] is not item:
                told.append(f"{item.where} {item.value} is read as --{left[-1].key} {left[-1].value}")
    for (key, part), item in former.items():
        number = _number(item)
        if number is None:
            continue
        there = next((each for each in reversed(left) if each.key == key), None)
        text = str(there.value) if there is not None and there.value is not None else ""
        named = {piece.partition("=")[0].strip() for piece in text.split(",")}
        if there is not None and part in named and there.source == "" != item.source:
            continue
        added = f"{part}={number:.15g}"
        left.append(Given(key, ",".join(filter(None, (text, added))), item.source if there is None else there.source))
        told.append(f"{item.where} is read as --{key} {added}")
    return left, "; ".join(told)


def _renamed(item: Given) -> Given:
    """The same item with its present name and value."""
    key = RENAMED.get(item.key, item.key)
    value = RENAMED_VALUES.get((key, item.value), item.value) if isinstance(item.value, str) else item.value
    return item if (key, value) == (item.key, item.value) else Given(key, value, item.source)


def _number(item: Given) -> float | None:
    try:
        number: float | None = typed(item.value, float | None)
    except ValueError as error:
        raise SettingsError(f"{item.where}: {error}") from None
    return number
