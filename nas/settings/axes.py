"""The axes of a search as settings name them: objectives, limits and references. Others declare which names there are."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nas.errors import SettingsError, unknown_name
from nas.settings.given import Given
from nas.values.json_fields import shown

if TYPE_CHECKING:
    from nas.settings.search import SearchSettings

LIMITS = "search.limits"
SHORT_FORMS = {"macs": "max_macs", "params": "max_params"}
"""Costs whose limit also has a setting of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisNames:
    """The names of the quantities that a search can have as objectives."""

    learned: Collection[str]
    """Names of the measures of a trained network."""
    costs: Collection[str]
    """Names of the costs of an untrained network."""


def objective_names(text: str) -> list[str]:
    """The names in a comma-separated setting."""
    return [name.strip() for name in text.split(",") if name.strip()]


def amounts(setting: str, text: str | None, names: Collection[str]) -> dict[str, float]:
    """The numbers in a setting such as `macs=60e3,latency=5`, by name.

    Args:
        setting: Name of the setting, for errors.
        text: Text of the setting; None stands for no numbers.
        names: The allowed names.

    Raises:
        SettingsError: A part is not `name=number`, a name is unknown or occurs twice, or a number is not finite and above 0.
    """
    found: dict[str, float] = {}
    for part in (text or "").split(","):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        if not part.strip():
            continue
        if not equals:
            raise SettingsError(
                f"{setting}: {shown(part.strip())} must be name=number, such as {next(iter(names))}=1e6"
            )
        if name not in names:
            raise SettingsError(f"{setting}: " + unknown_name("cost", name, names))
        if name in found:
            raise SettingsError(f"{setting}: {name} is given twice")
        try:
            value = float(number)
        except ValueError:
            raise SettingsError(f"{setting}: {name} must be a number, got {shown(number)}") from None
        if not 0 < value < math.inf:
            raise SettingsError(f"{setting}: {name} must be a finite number above 0, got {value:g}")
        found[name] = value
    return found


def amounts_text(values: Mapping[str, float]) -> str | None:
    """The text that `amounts` reads as these numbers; None if there are no numbers."""
    numbers = {name: int(value) if float(value).is_integer() else value for name, value in values.items()}
    return ",".join(f"{name}={value!r}" for name, value in numbers.items()) or None


def limits_of(settings: SearchSettings, costs: Collection[str]) -> dict[str, float]:
    """The largest allowed costs by name, in the order of the costs.

    Raises:
        SettingsError: `amounts` raises it, or a short form is not a finite number above 0 or contradicts `--search.limits`.
    """
    found = amounts("--search.limits", settings.limits, costs)
    for name, short in SHORT_FORMS.items():
        value = getattr(settings, short)
        if value is None:
            continue
        if not 0 < value < math.inf:
            raise SettingsError(f"--search.{short}: must be a finite number above 0, got {value:g}")
        if name not in costs:
            raise SettingsError(f"--search.{short}: " + unknown_name("cost", name, costs))
        if found.setdefault(name, value) != value:
            raise SettingsError(
                f"--search.{short}: {value:g} contradicts --search.limits {name}={found[name]:g}; give one of them"
            )
    return {name: found[name] for name in costs if name in found}


def without_outvoted(given: Sequence[Given]) -> list[Given]:
    """The settings without those limits of a file that a flag gives in the other form, since flags win over files."""
    short = {f"search.{key}": cost for cost, key in SHORT_FORMS.items()}
    flagged: set[str] = set()
    for item in given:
        if item.source == "" and item.key in short:
            flagged.add(short[item.key])
        elif item.source == "" and item.key == LIMITS:
            flagged |= {_cost_of(part) for part in str(item.value).split(",")}
    kept = []
    for item in given:
        if item.source and item.key == LIMITS and isinstance(item.value, str):
            parts = [part for part in item.value.split(",") if _cost_of(part) not in flagged]
            kept.append(replace(item, value=",".join(parts) or None))
        elif not (item.source and short.get(item.key) in flagged):
            kept.append(item)
    return kept


def _cost_of(part: str) -> str:
    return part.partition("=")[0].strip()


def axes_faults(settings: SearchSettings, allowed: AxisNames) -> list[str]:
    """In words, what is wrong with the objectives, limits and references."""
    faults = _objective_faults(settings.objectives, allowed)
    try:
        limits_of(settings, allowed.costs)
    except SettingsError as error:
        faults.append(str(error))
    try:
        amounts("--search.references", settings.references, allowed.costs)
    except SettingsError as error:
        faults.append(str(error))
    return faults


def _objective_faults(text: str, allowed: AxisNames) -> list[str]:
    names = objective_names(text)
    known = [*allowed.learned, *allowed.costs]
    faults = ["--search.objectives: " + unknown_name("objective", name, known) for name in names if name not in known]
    trained = list(dict.fromkeys(name for name in names if name in allowed.learned))
    if len(trained) > 1:
        return [
            *faults,
            f"--search.objectives: {' and '.join(trained)} are both learned by training; a search has one such objective "
            "(the others are written to trials.csv too)",
        ]
    if len(set(names)) < len(names) or not trained or not any(name in allowed.costs for name in names):
        faults.append(
            f"--search.objectives: must be one of {', '.join(allowed.learned)} and at least one of "
            f"{', '.join(allowed.costs)}, each once, got {text!r}"
        )
    return faults
