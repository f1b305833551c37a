"""What a search maximizes or minimizes, and the one place where directions are turned."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    """Which way is better."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


class Kind(StrEnum):
    """When the value of an objective is known."""

    KNOWN = "known"
    """Exact before any training: multiply-adds, parameters."""
    MEASURABLE = "measurable"
    """Measured on an untrained network: latency, peak memory."""
    LEARNED = "learned"
    """Known after training only: accuracy."""


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
        scaled = math.log10(max(value, 1.0)) if self.log else value
        return -scaled if self.direction is Direction.MAXIMIZE else scaled


def losses(objectives: tuple[Objective, ...], values: Mapping[str, float]) -> tuple[float, ...]:
    """The values of one candidate, lower is better, in the order of the objectives."""
    return tuple(objective.loss(values[objective.name]) for objective in objectives)


def reference_losses(objectives: tuple[Objective, ...]) -> tuple[float, ...]:
    """The corner from which the hypervolume is measured, lower is better."""
    return tuple(objective.loss(objective.reference) for objective in objectives)


UNITS = {"macs": "multiply-adds", "params": "parameters"}


def accuracy_objective(classes: int) -> Objective:
    """Accuracy in percent, measured from chance."""
    return Objective(
        name="accuracy", direction=Direction.MAXIMIZE, kind=Kind.LEARNED, unit="%", reference=100.0 / classes
    )


def cost_objective(name: str, reference: float) -> Objective:
    """A known cost by name (`macs`, `params`), on a logarithmic scale, measured from `reference`."""
    return Objective(
        name=name, direction=Direction.MINIMIZE, kind=Kind.KNOWN, unit=UNITS[name], reference=reference, log=True
    )
