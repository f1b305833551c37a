"""The decisions that a space declares, divided into free ones and those that its settings have already taken."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from nas.dimensions import Choice, Dimension, Scalar, When


class Decisions:
    """Splits declared decisions into free ones, which a sampler sees, and constants, which have a single value.

    A condition on a constant is resolved here: the decision becomes unconditional, or depends on what the constant depends
    on, or is dropped if it can never have an effect.

    Args:
        declared: Every decision; a condition may name only decisions before it.
    """

    def __init__(self, declared: Sequence[Dimension]) -> None:
        self._order: list[Dimension] = []
        self.constants: dict[str, Scalar] = {}
        """Decisions that have a single value."""
        settled: dict[str, Dimension | None] = {}
        for dimension in declared:
            kept = _settle(dimension, settled)
            if kept is None:
                settled[dimension.name] = None
                continue
            self._order.append(kept)
            if kept.size == 1:
                self.constants[kept.name] = default(kept)
                settled[kept.name] = kept

    @property
    def free(self) -> tuple[Dimension, ...]:
        """The decisions with more than one value, in the order in which they are declared."""
        return tuple(dimension for dimension in self._order if dimension.name not in self.constants)

    def complete(self, active: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """The active free decisions and the constants that have an effect with them, in the order in which they are declared."""
        decisions: dict[str, Scalar] = {}
        for dimension in self._order:
            if dimension.name in active:
                decisions[dimension.name] = active[dimension.name]
            elif dimension.name in self.constants and _is_active(dimension, decisions):
                decisions[dimension.name] = self.constants[dimension.name]
        return decisions


def default(dimension: Dimension) -> Scalar:
    """The default value of a decision: the first choice, the lowest integer, or the middle of a real range on its own scale."""
    if isinstance(dimension, Choice):
        return dimension.choices[0]
    if dimension.low == dimension.high or isinstance(dimension.low, int):
        return dimension.low
    return math.sqrt(dimension.low * dimension.high) if dimension.log else (dimension.low + dimension.high) / 2


def _is_active(dimension: Dimension, decisions: Mapping[str, Scalar]) -> bool:
    return not dimension.condition or any(
        when.name in decisions and when.holds(decisions) for when in dimension.condition
    )


def _settle(dimension: Dimension, settled: Mapping[str, Dimension | None]) -> Dimension | None:
    """The dimension with its condition reduced to free decisions, or None if the condition never holds.

    Args:
        dimension: The dimension as declared.
        settled: The constants before it, with their conditions already reduced, and None for those that were dropped.
    """
    if not dimension.condition:
        return dimension
    conditions: list[When] = []
    for when in dimension.condition:
        if when.name not in settled:
            conditions += [when] if when.values else []
            continue
        constant = settled[when.name]
        if constant is not None and default(constant) in when.values:
            if not constant.condition:
                return replace(dimension, condition=())
            conditions += constant.condition
    return replace(dimension, condition=tuple(dict.fromkeys(conditions))) if conditions else None
