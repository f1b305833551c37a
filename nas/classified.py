"""What trained networks answered on items of known classes, such as validation images, as plain data for a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """The answers of one network, in the order of the items."""

    predicted: Sequence[int]
    """The class that was answered for each item."""
    confidence: Sequence[float]
    """The probability that the network gave to this class, between 0 and 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """Items of known classes, and what networks answered on them."""

    classes: Sequence[str]
    """The names of the classes."""
    truth: Sequence[int]
    """The class of each item."""
    networks: Mapping[int, Classified]
    """The answers of each network that has any, by the number of its trial."""
    picture: Callable[[int], bytes]
    """Gives a small PNG or JPEG file of the item at a position."""
