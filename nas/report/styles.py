"""How each kind and class of `mixers` is named and drawn, everywhere in the report."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from nas.mixers import DENSE, FIXED, GROUPED, MIXED, NONE, REPLACED


@dataclass(frozen=True, slots=True, kw_only=True)
class MixerStyle:
    """The name and look of a kind."""

    label: str
    light: str
    """Color on white."""
    dark: str
    """Color on a dark ground."""
    shape: str = "circle"
    """Of its points, as plotly names it."""


# Okabe and Ito's palette, made a little darker on white. The unchanged network is gray as it is what the others are compared with.
# There are more classes than colors that color-blind readers can tell apart, so those that look alike to them differ in shape.
STYLES = {
    FIXED: MixerStyle(label="fixed shuffle", light="#7a828e", dark="#9aa3af"),
    DENSE: MixerStyle(label="dense", light="#7a828e", dark="#9aa3af"),
    GROUPED: MixerStyle(label="grouped, fixed shuffle", light="#66331a", dark="#f2ead0"),
    "none": MixerStyle(label="no shuffle", light="#8a6a1b", dark="#a8873f", shape="square"),
    "random": MixerStyle(label="random shuffle", light="#3f7f3a", dark="#8fd08a", shape="triangle-down"),
    "random_each": MixerStyle(label="random for each image", light="#7d3fb0", dark="#c69af0", shape="triangle-up"),
    "squeeze_excitation": MixerStyle(label="squeeze-excitation", light="#a8244f", dark="#ff93ae", shape="cross"),
    "static": MixerStyle(label="static", light="#d98e04", dark="#f0b03f"),
    "static_full": MixerStyle(label="static, all channels", light="#c2500a", dark="#f07f3c"),
    "static_matrix": MixerStyle(label="static matrix", light="#00575f", dark="#c5f5f0", shape="square"),
    "dynamic": MixerStyle(label="dynamic", light="#1668b8", dark="#5aaef0"),
    "static_dynamic": MixerStyle(label="static + dynamic", light="#b14e8c", dark="#e08fc0", shape="square"),
    "blend": MixerStyle(label="blend", light="#a33b3b", dark="#f08a8a", shape="pentagon"),
    "kronecker_blend": MixerStyle(label="Kronecker blend", light="#0f8ba0", dark="#52cfe3", shape="hexagon"),
    REPLACED: MixerStyle(label="static-dynamic", light="#2a9fd0", dark="#8fdcff", shape="triangle-up"),
    "reconstructed": MixerStyle(label="rebuilt filters", light="#5b4fc4", dark="#a79df5", shape="square"),
    "learned_groups": MixerStyle(label="learned groups", light="#6b8e10", dark="#b0d350", shape="cross"),
    MIXED: MixerStyle(label="several kinds", light="#12876a", dark="#3cc29d", shape="star"),
    NONE: MixerStyle(label="networks", light="#1668b8", dark="#5aaef0"),
}
_OF_NO_MIXER = (FIXED, DENSE, GROUPED, REPLACED, "reconstructed", "learned_groups", MIXED, NONE)
_SPARE = (("#a33b3b", "#f08a8a"), ("#0f8ba0", "#52cfe3"))


def styles(classes: Iterable[str], *, unchanged: str = FIXED) -> dict[str, MixerStyle]:
    """A style for each of these kinds and classes, in the order they are drawn; unknown ones get spare colors.

    Args:
        classes: Their names.
        unchanged: What the others are compared with. Beside dense convolutions, mixers stand only between grouped ones, and their
            labels say so.
    """
    wanted = set(classes)
    chosen = {name: style for name, style in STYLES.items() if name in wanted}
    for position, name in enumerate(sorted(wanted - set(STYLES))):
        light, dark = _SPARE[position % len(_SPARE)]
        chosen[name] = MixerStyle(label=name.replace("_", " "), light=light, dark=dark)
    if unchanged != DENSE:
        return chosen
    return {
        name: style if name in _OF_NO_MIXER else dataclasses.replace(style, label=f"grouped, {style.label}")
        for name, style in chosen.items()
    }
