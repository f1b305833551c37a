"""What a search maximizes or minimizes: all that is to be known of a quantity, and the one place where directions are turned.

The same noun describes what is only told beside the axes of the front: further costs, further measures of a trained network.
Tables, page, console, picture and limits ask it, and name none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from nas.errors import SettingsError


class Direction(StrEnum):
    """Which way is better."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


class Kind(StrEnum):
    """When the value of an objective is known."""

    KNOWN = "known"
    """Exact before any training, such as multiply-adds, parameters and peak memory."""
    MEASURABLE = "measurable"
    """Measured on an untrained network, such as its latency."""
    LEARNED = "learned"
    """Known after training only, such as accuracy."""


class Form(StrEnum):
    """How a value is written."""

    COUNT = "count"
    """A number of things: with an SI suffix, or in full."""
    PERCENT = "percent"
    """With one decimal."""
    PLAIN = "plain"
    """With three digits."""


LEAST = 1e-9
"""Values below it, which have no useful logarithm, count as this much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """One axis of the front, or a quantity that is told beside it."""

    name: str
    """Its key in records, tables and settings."""
    direction: Direction
    kind: Kind
    unit: str
    """Such as "%" or "ms"; empty where it has none."""
    reference: float
    """The worst value that still counts: the corner from which the hypervolume is measured. From settings, never from results."""
    log: bool = False
    """Whether differences are ratios: the axis of pictures and of the hypervolume is then log10."""
    words: str = ""
    """What it is called in a sentence, such as "balanced accuracy". Default: the name, with spaces."""
    label: str = ""
    """Title of an axis. Default: the words, with the unit."""
    heading: str = ""
    """Its column in tables. Default: the name."""
    form: Form | None = None
    """How a value is written. Default: `PERCENT` where the unit is %, else `PLAIN`."""
    beside_majority: bool = False
    """Whether the share of the commonest class, in percent, is the value of always answering that class."""
    caution: str = ""
    """What a reader must know before comparing changed networks with unchanged ones by it; a sentence."""

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
        """The value as lower-is-better on the objective's own scale (log10 where `log`)."""
        scaled = math.log10(max(value, LEAST)) if self.log else value
        return -scaled if self.direction is Direction.MAXIMIZE else scaled

    def score(self, value: float) -> float:
        """The value as higher-is-better on the objective's own scale."""
        return -self.loss(value)

    def value_of(self, score: float) -> float:
        """The value that has this score."""
        scaled = score if self.direction is Direction.MAXIMIZE else -score
        return 10.0**scaled if self.log else scaled

    @property
    def is_counted(self) -> bool:
        """Whether the unit says what is counted, so that it need not be named beside it."""
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
        """A value in full, with the unit where it is no plain count: for sentences about single networks."""
        if self.form is Form.COUNT:
            return f"{value:,.0f}"
        digits = f"{value:.1f}" if self.form is Form.PERCENT else three_digits(value)
        return f"{digits} {self.unit}".strip()


def losses(objectives: tuple[Objective, ...], values: Mapping[str, float]) -> tuple[float, ...]:
    """The values of one candidate, lower is better, in the order of the objectives."""
    return tuple(objective.loss(values[objective.name]) for objective in objectives)


def reference_losses(objectives: tuple[Objective, ...]) -> tuple[float, ...]:
    """The corner from which the hypervolume is measured, lower is better."""
    return tuple(objective.loss(objective.reference) for objective in objectives)


def learned(objectives: Iterable[Objective]) -> Objective:
    """The one objective that trainings are for.

    Raises:
        SettingsError: There is none, or more than one.
    """
    found = [objective for objective in objectives if objective.kind is Kind.LEARNED]
    if len(found) == 1:
        return found[0]
    names = " and ".join(objective.name for objective in found)
    raise SettingsError(f"a search has one learned objective, not {names}" if found else "no objective is learned")


def compared_cost(objectives: Iterable[Objective]) -> Objective:
    """The cost by which networks are compared and drawn: the first objective that is known without training.

    Raises:
        SettingsError: All of them are learned.
    """
    for objective in objectives:
        if objective.kind is not Kind.LEARNED:
            return objective
    raise SettingsError("a search has at least one objective that is known without training, a cost")


def three_digits(value: float) -> str:
    """A plain number, large ones in full."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def amount(name: str, value: float, quantities: Iterable[Objective]) -> str:
    """A value in full, as its quantity writes it; three digits where no quantity has this name."""
    known = next((quantity for quantity in quantities if quantity.name == name), None)
    return three_digits(value) if known is None else known.amount(value)


def listed(names: Iterable[str], quantities: Iterable[Objective]) -> str:
    """Names of quantities in words, such as "multiply-adds, parameters and memory"."""
    known = {quantity.name: quantity.words for quantity in quantities}
    words = [known.get(name, name) for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
