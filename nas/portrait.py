"""How a network is described and drawn: what a search space says about its candidates, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field

from nas.candidate import Candidate

PLAIN = "network"
"""The kind of every candidate of a space that does not sort its networks into kinds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindStyle:
    """The name and look of one kind of network. Its color follows from its place among the kinds of its space."""

    name: str
    label: str
    """The name of the kind that readers see."""
    shape: str = "circle"
    """The shape of the points of this kind, by its name in plotly."""
    meaning: str = ""
    """A sentence that explains the kind to somebody who does not know it; empty where the label suffices."""
    unchanged: bool = False
    """Whether networks of the other kinds are compared with this one. It is drawn in gray."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Legend:
    """The kinds by which the networks of a space are told apart."""

    styles: tuple[KindStyle, ...] = (KindStyle(name=PLAIN, label="networks"),)
    """The style of every kind that a part or a whole network of the space may have, in the order of drawing and of colors."""
    noun: str = "kind"
    """One word for what is sorted into kinds, such as "mixer"."""
    unchanged: str = "unchanged"
    """One word for a network that others are compared with."""
    membership: str = ""
    """A sentence that says which network belongs to which kind. It is empty where there is only one kind."""
    comparison: str = ""
    """A sentence that says which networks are compared with which. It is empty where no kind is unchanged."""
    compared: str = "kinds"
    """One word for what the comparison is meant to be about. The networks of a pair differ in more than that."""
    caution: str = ""
    """A sentence on what multiply-adds do not show about the changed kinds. It is empty where there is no such caution."""

    terms: tuple[tuple[str, str], ...] = ()
    """Words that the space uses, each with a sentence or two for somebody who does not know it."""

    @property
    def unchanged_kinds(self) -> tuple[str, ...]:
        """Names of the kinds that others are compared with."""
        return tuple(style.name for style in self.styles if style.unchanged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a network, such as a stage, from the input to the output."""

    name: str
    """The name of the part, unique within the network."""
    kind: str | None = None
    """The name of the part's kind, or None if it has no kind."""
    title: str = ""
    """A title of a few words."""
    words: str = ""
    """The other decisions about this part, in words."""
    units: int | None = None
    """How many units the part repeats."""
    channels: int | None = None
    """Number of output channels, where the space knows it."""
    drawing: str = "plain"
    """How one unit is drawn: plain, slices, notched, steps or half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """What a report says about one candidate."""

    description: str
    """A description in one short line."""
    kind: str = PLAIN
    """The kind of the whole network, which decides its color and its place in the legend."""
    parts: tuple[Part, ...] = field(default=())
    """The parts from the input to the output; empty where the space draws nothing."""


def plain_portrait(candidate: Candidate) -> Portrait:
    """The portrait of a candidate whose space has no words of its own: a list of its decisions."""
    return Portrait(description=", ".join(f"{name}={value}" for name, value in candidate.architecture.items()))
