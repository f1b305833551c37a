"""How a network is told and drawn: what a space says of its candidates, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field

from nas.candidate import Candidate

PLAIN = "network"
"""The kind of every candidate of a space that tells its networks apart by nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindStyle:
    """The name and look of one kind. Its color follows from its place among the kinds of its space."""

    name: str
    label: str
    """What a reader sees."""
    shape: str = "circle"
    """Of its points, as plotly names it."""
    unchanged: bool = False
    """Whether the others are compared with it; it is drawn in gray."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Legend:
    """By what the networks of a space are told apart."""

    styles: tuple[KindStyle, ...] = (KindStyle(name=PLAIN, label="networks"),)
    """Every kind that a part or a whole network of the space may be, in the order of drawing and of colors."""
    noun: str = "kind"
    """What the kinds are kinds of, in one word."""
    unchanged: str = "unchanged"
    """What a network that others are compared with is called, in one word."""
    membership: str = ""
    """A sentence: which network belongs to which kind. Empty where there is one kind."""
    comparison: str = ""
    """A sentence: which networks are compared with which. Empty where nothing is unchanged."""
    compared: str = "kinds"
    """What such a comparison is meant to be of, in one word: the networks of a pair differ in more than that."""
    caution: str = ""
    """A sentence on what multiply-adds do not tell of the kinds that are not unchanged; empty where there is nothing to say."""

    @property
    def unchanged_kinds(self) -> tuple[str, ...]:
        """Names of the kinds that others are compared with."""
        return tuple(style.name for style in self.styles if style.unchanged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a network, such as a stage, from the input to the output."""

    name: str
    """Unique within the network."""
    kind: str | None = None
    """Name of its kind; None where it is of none."""
    title: str = ""
    """What it is, in a few words."""
    words: str = ""
    """The rest of what is decided on it."""
    units: int | None = None
    """How often it repeats itself."""
    channels: int | None = None
    """Of its output, where the space knows them."""
    drawing: str = "plain"
    """How a unit of it is drawn: plain, slices, notched, steps or half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """What a report says of one candidate."""

    description: str
    """One short line."""
    kind: str = PLAIN
    """Name of the kind of the whole network, for its color and its place in the legend."""
    parts: tuple[Part, ...] = field(default=())
    """From the input to the output; empty where the space draws nothing."""


def plain_portrait(candidate: Candidate) -> Portrait:
    """Of a candidate whose space says nothing of it: its decisions."""
    return Portrait(description=", ".join(f"{name}={value}" for name, value in candidate.architecture.items()))
