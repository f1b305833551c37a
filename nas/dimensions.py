"""One decision of a search space: its name, its domain, and when it has an effect.

A domain never changes during a study. What depends on another decision is chosen by rank among the legal values and
resolved by the space's `decode`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Scalar = str | int | float | bool | None
"""The values that a decision may have: plain JSON. A tuple would come back from a database as a list."""

Genotype = Mapping[str, Scalar]
"""A value for every dimension of a space, by name: the only thing a sampler sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """A condition that holds when the decision `name` has one of `values`."""

    name: str
    values: tuple[Scalar, ...]

    def holds(self, genotype: Genotype) -> bool:
        """Whether the condition is met by this genotype."""
        return genotype[self.name] in self.values


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of a fixed, ordered tuple of values."""

    name: str
    choices: tuple[Scalar, ...]
    condition: tuple[When, ...] = ()
    """The decision is active when any of these conditions holds, and always if there are none."""

    def contains(self, value: Scalar) -> bool:
        """Whether the value belongs to the domain (True is not 1)."""
        for choice in self.choices:  # noqa: SIM110 - samplers ask thousands of times for a proposal; any() takes thrice as long
            if value == choice and type(value) is type(choice):
                return True
        return False

    @property
    def size(self) -> float:
        """The number of values in the domain."""
        return len(self.choices)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntRange:
    """An integer from `low` to `high`, both included."""

    name: str
    low: int
    high: int
    log: bool = False
    condition: tuple[When, ...] = ()
    """The decision is active when any of these conditions holds, and always if there are none."""

    def contains(self, value: Scalar) -> bool:
        """Whether the value belongs to the domain."""
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high

    @property
    def size(self) -> float:
        """The number of values in the domain."""
        return self.high - self.low + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatRange:
    """A real number from `low` to `high`, both included."""

    name: str
    low: float
    high: float
    log: bool = False
    condition: tuple[When, ...] = ()
    """The decision is active when any of these conditions holds, and always if there are none."""

    def contains(self, value: Scalar) -> bool:
        """Whether the value belongs to the domain."""
        return isinstance(value, float | int) and not isinstance(value, bool) and self.low <= value <= self.high

    @property
    def size(self) -> float:
        """The number of values in the domain: infinite, unless the range is a single point."""
        return 1.0 if self.low == self.high else float("inf")


Dimension = Choice | IntRange | FloatRange
