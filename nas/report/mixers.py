"""How a candidate mixes its channels, read from its decisions, and the words and colors for it.

The decisions of a stage are named `stage<k>.<what>`. A space without such names has no mixers and no stages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from nas.candidate import Candidate
from nas.dimensions import Scalar

FIXED = "fixed"
MIXED = "mixed"
NONE = "network"
"""Class of every candidate of a space that decides on no mixers."""

_STAGE = re.compile(r"(stage\d+)\.(.+)", re.DOTALL)
_SHORT = {"static_full": "full", "dynamic": "dyn", "static_dynamic": "s+d"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MixerStyle:
    """How a mixer class is named and drawn, everywhere in the report."""

    label: str
    light: str
    """Color on white."""
    dark: str
    """Color on a dark ground."""


# Okabe and Ito's palette, which color-blind readers can tell apart, made a little darker on white; fixed is gray as it is
# what the others are compared with.
_STYLES = {
    FIXED: MixerStyle(label="fixed shuffle", light="#7a828e", dark="#9aa3af"),
    "static": MixerStyle(label="static", light="#d98e04", dark="#f0b03f"),
    "static_full": MixerStyle(label="static, all channels", light="#c2500a", dark="#f07f3c"),
    "dynamic": MixerStyle(label="dynamic", light="#1668b8", dark="#5aaef0"),
    "static_dynamic": MixerStyle(label="static + dynamic", light="#b14e8c", dark="#e08fc0"),
    MIXED: MixerStyle(label="several mixers", light="#12876a", dark="#3cc29d"),
    NONE: MixerStyle(label="networks", light="#1668b8", dark="#5aaef0"),
}
_SPARE = (("#5b4fc4", "#a79df5"), ("#6b8e10", "#b0d350"), ("#a33b3b", "#f08a8a"), ("#0f8ba0", "#52cfe3"))


def mixer_class(candidate: Candidate) -> str:
    """The one kind of mixer a candidate uses besides `fixed`.

    `fixed` if it uses no other, `mixed` if it uses several, `network` if its space decides on no mixers.
    """
    kinds = {str(decisions["mixer"]) for decisions in stages(candidate).values() if "mixer" in decisions}
    if not kinds:
        return NONE
    learned = kinds - {FIXED}
    if not learned:
        return FIXED
    return learned.pop() if len(learned) == 1 else MIXED


def stages(candidate: Candidate) -> dict[str, dict[str, Scalar]]:
    """The decisions of each stage by their name inside it; empty where names do not follow `stage<k>.<what>`."""
    found: dict[str, dict[str, Scalar]] = {}
    for name, value in candidate.architecture.items():
        match = _STAGE.fullmatch(name)
        if match:
            found.setdefault(match[1], {})[match[2]] = value
    return dict(sorted(found.items(), key=lambda item: int(item[0].removeprefix("stage"))))


def styles(classes: Iterable[str]) -> dict[str, MixerStyle]:
    """A style for each of these mixer classes, in the order they are drawn; unknown kinds get spare colors."""
    wanted = set(classes)
    chosen = {name: style for name, style in _STYLES.items() if name in wanted}
    for position, name in enumerate(sorted(wanted - set(_STYLES))):
        light, dark = _SPARE[position % len(_SPARE)]
        chosen[name] = MixerStyle(label=name.replace("_", " "), light=light, dark=dark)
    return chosen


def describe(candidate: Candidate) -> str:
    """An architecture in one short line, such as `48 | 4-8-4 | fixed dyn(2,4x6) fixed`.

    A space without stages gives `name=value` pairs.
    """
    per_stage = stages(candidate)
    if not per_stage:
        return ", ".join(f"{name}={value}" for name, value in candidate.architecture.items())
    whole = [
        str(value) if name == "width" else f"{name}={value}"
        for name, value in candidate.architecture.items()
        if not _STAGE.fullmatch(name)
    ]
    units = [str(decisions["units"]) for decisions in per_stage.values() if "units" in decisions]
    mixers = [_short_mixer(decisions) for decisions in per_stage.values() if "mixer" in decisions]
    return " | ".join(part for part in (" ".join(whole), "-".join(units), " ".join(mixers)) if part)


def _short_mixer(decisions: dict[str, Scalar]) -> str:
    kind = str(decisions["mixer"])
    name = _SHORT.get(kind, kind)
    groups = [str(decisions["groups"])] if "groups" in decisions else []
    pair = [f"{decisions['n1']}x{decisions['n2']}"] if "n1" in decisions and "n2" in decisions else []
    inside = ",".join(groups + pair)
    return f"{name}({inside})" if inside and kind != FIXED else name
