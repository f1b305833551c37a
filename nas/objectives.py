"""What a search maximizes or minimizes: all that is known about a quantity, and the one place where directions are reversed.

The same class describes quantities that are reported but are no axes of the front: further costs, and further measures of a
trained network. Tables, page, console, picture and limits take all names from it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from nas.errors import SettingsError


class Direction(StrEnum):
    """Whether larger or smaller values are better."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


class ObjectiveKind(StrEnum):
    """When the value of an objective is known."""

    KNOWN = "known"
    """Exact before any training, such as multiply-adds, parameters and peak memory."""
    MEASURABLE = "measurable"
    """Measured on an untrained network, such as its latency."""
    LEARNED = "learned"
    """Known after training only, such as accuracy."""


class Form(StrEnum):
    """How a value is formatted."""

    COUNT = "count"
    """A count: with an SI suffix, or in full."""
    PERCENT = "percent"
    """A percentage, with one decimal."""
    PLAIN = "plain"
    """A plain number, with three significant digits."""


LEAST = 1e-9
"""Smaller values, which have no useful logarithm, count as this much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """An axis of the front, or a quantity that is reported beside it."""

    name: str
    """The key of the quantity in records, tables and settings."""
    direction: Direction
    kind: ObjectiveKind
    unit: str
    """The unit, such as "%" or "ms"; empty where there is none."""
    reference: float
    """The worst value that still counts: the corner from which the hypervolume is measured. It comes from settings, never from
    results.
    """
    log: bool = False
    """Whether differences are ratios. If so, pictures and the hypervolume use log10 of the value."""
    words: str = ""
    """The name of the quantity in a sentence, such as "balanced accuracy". Default: `name`, with spaces."""
    label: str = ""
    """The title of an axis. Default: `words`, with the unit."""
    heading: str = ""
    """The heading of the column in tables. Default: `name`."""
    form: Form | None = None
    """How a value is formatted. Default: `PERCENT` where the unit is %, else `PLAIN`."""
    beside_majority: bool = False
    """Whether a classifier that always answers the commonest class has that class's share, in percent, as its value."""
    meaning: str = ""
    """One or two sentences that explain the quantity to somebody who does not know it; empty where its words suffice."""
    caution: str = ""
    """One sentence: what a reader must know before comparing changed networks with unchanged ones by this quantity."""

    def __post_init__(self) -> None:
        words = self.words or self.name.replace("_", " ")
        unit = f" ({self.unit})" if self.unit else ""
        defaults = {
            "words": words,
            "label": self.label or f"{words[:1].upper()}{words[1:]}{unit}",
            "heading": self.heading or self.name,
            "form": self.form or (Form.PERCENT if self.unit == "%" else Form.PLAIN),
        }
        for field, value in defaults.items():
            object.__setattr__(self, field, value)

    def loss(self, value: float) -> float:
        """The value turned so that lower is better, on the scale of the objective (log10 where `log`)."""
        scaled = math.log10(max(value, LEAST)) if self.log else value
        return -scaled if self.direction is Direction.MAXIMIZE else scaled

    def score(self, value: float) -> float:
        """The value turned so that higher is better, on the scale of the objective."""
        return -self.loss(value)

    def value_of(self, score: float) -> float:
        """The value that has this score; the inverse of `score`."""
        scaled = score if self.direction is Direction.MAXIMIZE else -score
        return 10.0**scaled if self.log else scaled

    @property
    def is_counted(self) -> bool:
        """Whether the unit already says what is counted, so that the name of the quantity can be left out."""
        return self.form is Form.COUNT and bool(self.unit)

    @property
    def title(self) -> str:
        """The heading of a column that is read by people, such as "Accuracy %"."""
        text = self.unit if self.is_counted else f"{self.words} {self.unit}".strip()
        return f"{text[:1].upper()}{text[1:]}"

    @property
    def difference_unit(self) -> str:
        """The unit of a difference between two values."""
        return "points" if self.form is Form.PERCENT else self.unit

    def amount(self, value: float) -> str:
        """A value in full, with its unit unless it is a plain count; for sentences about single networks."""
        if self.form is Form.COUNT:
            return f"{value:,.0f}"
        digits = f"{value:.1f}" if self.form is Form.PERCENT else three_digits(value)
        return f"{digits} {self.unit}".strip()


def losses(objectives: tuple[Objective, ...], values: Mapping[str, float]) -> tuple[float, ...]:
    """The values of one candidate as losses (lower is better), in the order of the objectives."""
    return tuple(objective.loss(values[objective.name]) for objective in objectives)


def reference_losses(objectives: tuple[Objective, ...]) -> tuple[float, ...]:
    """The corner from which the hypervolume is measured, as losses (lower is better)."""
    return tuple(objective.loss(objective.reference) for objective in objectives)


def learned(objectives: Iterable[Objective]) -> Objective:
    """The one objective that is learned by training.

    Raises:
        SettingsError: No objective is learned, or more than one.
    """
    found = [objective for objective in objectives if objective.kind is ObjectiveKind.LEARNED]
    if len(found) == 1:
        return found[0]
    names = " and ".join(objective.name for objective in found)
    raise SettingsError(f"a search has one learned objective, not {names}" if found else "no objective is learned")


def compared_cost(objectives: Iterable[Objective]) -> Objective:
    """The cost by which networks are compared and drawn: the first objective that is known without training.

    Raises:
        SettingsError: All objectives are learned.
    """
    for objective in objectives:
        if objective.kind is not ObjectiveKind.LEARNED:
            return objective
    raise SettingsError("a search has at least one objective that is known without training, a cost")


def three_digits(value: float) -> str:
    """A plain number with three significant digits; a large one is written in full."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def amount(name: str, value: float, quantities: Iterable[Objective]) -> str:
    """A value in full, formatted by the quantity of this name, or with three digits where there is no such quantity."""
    known = next((quantity for quantity in quantities if quantity.name == name), None)
    return three_digits(value) if known is None else known.amount(value)


def listed(names: Iterable[str], quantities: Iterable[Objective]) -> str:
    """The names of quantities as a list in words, such as "multiply-adds, parameters and memory"."""
    known = {quantity.name: quantity.words for quantity in quantities}
    words = [known.get(name, name) for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
