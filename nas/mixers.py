"""What a candidate does with its channels, read from its decisions: of each stage a kind, of the whole network a class.

The decisions of a stage are named `stage<k>.<what>`. A space without such names has no kinds and no stages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from nas.candidate import Candidate
from nas.dimensions import Scalar

FIXED = "fixed"
"""The unchanged network of a space whose networks all shuffle channels."""
DENSE = "dense"
"""The unchanged network of a space whose convolutions are a choice in every stage."""
GROUPED = "grouped"
"""Grouped convolutions with a fixed shuffle between them; with another mixer that mixer is the kind."""
REPLACED = "replaced"
"""Static-dynamic shuffles in the place of convolutions; not the mixer `static_dynamic`."""
MIXED = "mixed"
NONE = "network"
"""Class of every candidate of a space that decides on neither mixers nor convolutions."""
UNCHANGED = (FIXED, DENSE)
"""The classes that all others are compared with; one search has one of them."""

_STAGE = re.compile(r"(stage\d+)\.(.+)", re.DOTALL)


def stages(candidate: Candidate) -> dict[str, dict[str, Scalar]]:
    """The decisions of each stage by their name inside it; empty where names do not follow `stage<k>.<what>`."""
    found: dict[str, dict[str, Scalar]] = {}
    for name, value in candidate.architecture.items():
        match = _STAGE.fullmatch(name)
        if match:
            found.setdefault(match[1], {})[match[2]] = value
    return dict(sorted(found.items(), key=lambda item: int(item[0].removeprefix("stage"))))


def of_whole_network(candidate: Candidate) -> dict[str, Scalar]:
    """The decisions of no stage."""
    return {name: value for name, value in candidate.architecture.items() if not _STAGE.fullmatch(name)}


def stage_kind(decisions: Mapping[str, Scalar]) -> str | None:
    """What a stage is besides unchanged: a mixer's name, `replaced`, `mixed` for both, or `grouped`; else `fixed` or `dense`.

    None if neither its mixer nor its convolutions are a decision.
    """
    convolution, mixer = decisions.get("convolution"), decisions.get("mixer")
    chosen = [] if mixer in (None, FIXED) else [str(mixer)]
    if convolution not in (None, "dense", "grouped"):
        chosen.append(REPLACED if convolution == "static_dynamic" else str(convolution))
    if chosen:
        return chosen[0] if len(chosen) == 1 else MIXED
    if convolution == "grouped":
        return GROUPED
    return FIXED if mixer is not None else DENSE if convolution is not None else None


def mixer_class(candidate: Candidate) -> str:
    """The one kind of stage in a candidate besides unchanged ones, and besides `grouped` where there is another.

    `fixed` or `dense` if it has no other, `mixed` if it has several, `network` if its space decides on neither.
    """
    kinds = {kind for decisions in stages(candidate).values() if (kind := stage_kind(decisions)) is not None}
    if not kinds:
        return NONE
    chosen = kinds - set(UNCHANGED)
    if not chosen:
        return DENSE if DENSE in kinds else FIXED
    told = chosen - {GROUPED} or chosen
    return told.pop() if len(told) == 1 else MIXED


def unchanged_class(candidates: Iterable[Candidate]) -> str:
    """`dense` where convolutions are a choice in every stage, else `fixed`, whether an unchanged network is among them or not.

    Spaces that always mix record what convolutions are only where these are replaced.
    """
    of_stages = (decisions for candidate in candidates for decisions in stages(candidate).values())
    return DENSE if any(decisions.get("convolution") in ("dense", "grouped") for decisions in of_stages) else FIXED
