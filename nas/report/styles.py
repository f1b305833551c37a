"""How each kind of a space's legend is drawn throughout the report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nas.portrait import KindStyle, Legend


@dataclass(frozen=True, slots=True, kw_only=True)
class KindLook:
    """The name and look of a kind."""

    label: str
    light: str
    """Color on a white background."""
    dark: str
    """Color on a dark background."""
    shape: str = "circle"
    """The shape of the points of this kind, by its name in plotly."""


# Okabe and Ito's palette, made a little darker on white. The unchanged network, with which others are compared, is gray.
# There are more kinds than colors that color-blind readers can tell apart, so those that look alike to them differ in shape; a test
# compares all kinds of every space.
UNCHANGED = ("#7a828e", "#9aa3af")
ALONE = ("#1668b8", "#5aaef0")
"""The look of the only kind of a space that does not sort its networks into kinds."""
PALETTE = (
    ("#66331a", "#f2ead0"),
    ("#8a6a1b", "#a8873f"),
    ("#3f7f3a", "#8fd08a"),
    ("#7d3fb0", "#c69af0"),
    ("#a8244f", "#ff93ae"),
    ("#d98e04", "#f0b03f"),
    ("#c2500a", "#f07f3c"),
    ("#00575f", "#c5f5f0"),
    ("#1668b8", "#5aaef0"),
    ("#b14e8c", "#e08fc0"),
    ("#a33b3b", "#f08a8a"),
    ("#0f8ba0", "#52cfe3"),
    ("#2a9fd0", "#8fdcff"),
    ("#5b4fc4", "#a79df5"),
    ("#6b8e10", "#b0d350"),
    ("#12876a", "#3cc29d"),
)
"""The looks of the other kinds, in the order in which a space declares them; reused from the start if there are more kinds."""


def looks(legend: Legend, wanted: Iterable[str]) -> dict[str, KindLook]:
    """A look for each of these kinds, in the order of the legend, followed by kinds that the legend does not have."""
    names = set(wanted)
    strange = sorted(names - {style.name for style in legend.styles})
    declared = (*legend.styles, *(KindStyle(name=name, label=name.replace("_", " ")) for name in strange))
    found = {}
    position = 0
    for style in declared:
        if style.unchanged:
            light, dark = UNCHANGED
        elif len(declared) == 1:
            light, dark = ALONE
        else:
            light, dark = PALETTE[position % len(PALETTE)]
            position += 1
        if style.name in names:
            found[style.name] = KindLook(label=style.label, light=light, dark=dark, shape=style.shape)
    return found
