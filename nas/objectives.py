"""What a search maximizes or minimizes, and the one place where directions are turned."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    """Which way is better."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


class Kind(StrEnum):
    """When the value of an objective is known."""

    KNOWN = "known"
    """Exact before any training: multiply-adds, parameters, peak memory."""
    MEASURABLE = "measurable"
    """Measured on an untrained network: latency."""
    LEARNED = "learned"
    """Known after training only: accuracy."""


LEAST = 1e-9
"""Values below it, which have no useful logarithm, count as this much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """One axis of the front."""

    name: str
    direction: Direction
    kind: Kind
    unit: str
    """Such as "%" or "multiply-adds"."""
    reference: float
    """The worst value that still counts: the corner from which the hypervolume is measured. From settings, never from results."""
    log: bool = False
    """Whether differences are ratios: the axis of pictures and of the hypervolume is then log10."""

    def loss(self, value: float) -> float:
        """The value as lower-is-better on the objective's own scale (log10 where `log`)."""
        scaled = math.log10(max(value, LEAST)) if self.log else value
        return -scaled if self.direction is Direction.MAXIMIZE else scaled


def losses(objectives: tuple[Objective, ...], values: Mapping[str, float]) -> tuple[float, ...]:
    """The values of one candidate, lower is better, in the order of the objectives."""
    return tuple(objective.loss(values[objective.name]) for objective in objectives)


def reference_losses(objectives: tuple[Objective, ...]) -> tuple[float, ...]:
    """The corner from which the hypervolume is measured, lower is better."""
    return tuple(objective.loss(objective.reference) for objective in objectives)


UNITS = {"macs": "multiply-adds", "params": "parameters", "latency": "ms", "memory": "MB"}
COSTS = tuple(UNITS)
"""Names of the objectives that are minimized."""
PLAIN_COUNTS = ("macs", "params")
"""Those whose unit is what is counted."""


def amount(name: str, value: float) -> str:
    """A cost in words, with the unit where it is no plain count."""
    return f"{value:,.0f}" if name in PLAIN_COUNTS else f"{value:.3g} {UNITS.get(name, '')}".strip()


def listed(names: Iterable[str]) -> str:
    """Names of costs in words, such as "multiply-adds, parameters and memory"."""
    words = [UNITS[name] if name in PLAIN_COUNTS else name for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def accuracy_objective(classes: int) -> Objective:
    """Accuracy in percent, measured from chance."""
    return Objective(
        name="accuracy", direction=Direction.MAXIMIZE, kind=Kind.LEARNED, unit="%", reference=100.0 / classes
    )


def cost_objective(name: str, reference: float) -> Objective:
    """A cost by name (one of `COSTS`), on a logarithmic scale, measured from `reference`."""
    kind = Kind.MEASURABLE if name == "latency" else Kind.KNOWN
    return Objective(
        name=name, direction=Direction.MINIMIZE, kind=kind, unit=UNITS[name], reference=reference, log=True
    )
