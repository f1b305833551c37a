"""What a report says about a network made of stages, by a loop over its mixers and kinds of convolutions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from nas.candidate import Candidate
from nas.dimensions import Scalar
from nas.portrait import PLAIN, KindStyle, Legend, Part, Portrait, plain_portrait
from search_spaces.blocks import BLOCKS
from search_spaces.kinds import DENSE, KINDS, Kind
from search_spaces.kinds.kind import counted

MIXED = KindStyle(name="mixed", label="several kinds", shape="star")
CAUTION = (
    "Multiply-adds flatter channel mixing: moving channels by index costs time and memory traffic, but no multiply-add."
)
SHARED = {
    "matrices": "one pair for all groups",
    "generator": "one generator for all groups",
    "none": "own pairs",
}
ADDED = {"full": "whole matrices added", "factor": "Kronecker factors added"}
TERMS = (
    (
        "mixer",
        "A channel mixer is a step that lets the channels of a network exchange places or values, so that what one group of "
        "channels has found reaches the others. A shuffle is one that only reorders channels.",
    ),
    (
        "group",
        "A part of the channels that a layer treats by itself. Groups take fewer multiply-adds than one layer over all channels, "
        "but do not see each other.",
    ),
)
OF_MIXERS = frozenset(
    {"mixer", "units", "groups", "n1", "n2", "reduction", "share", "convolution"}
    | {"group_rank", "pair_rank", "kron_rank", "sum_level"}
)
"""Decisions that the words of this module mention, whatever the kind of convolutions."""
UNCHANGED = (
    "An unchanged network is one as it was published, with {what} in every stage. Others are compared with these."
)
STAGE = re.compile(r"(stage\d+)\.(.+)", re.DOTALL)

Decisions = Mapping[str, Scalar]
"""The resolved decisions of one stage, by their names within it."""


def legend(*, always_mixes: bool) -> Legend:
    """The kinds by which the networks of a space of stages are told apart.

    Every space declares all mixers and kinds in the same order, so that a kind has the same color everywhere.

    Args:
        always_mixes: Whether the unchanged network itself mixes channels. If not, mixers are only between convolutions
            of some kinds, and are described as such.
    """
    unchanged = _unchanged_mixer() if always_mixes else DENSE.style
    between = "" if always_mixes else "grouped, "
    mixers = [
        KindStyle(name=name, label=f"{between}{mixer.label}", shape=mixer.shape, meaning=mixer.meaning)
        for name, mixer in BLOCKS.items()
        if not mixer.unchanged
    ]
    kinds = [kind.style for kind in KINDS.values() if kind.told]
    beside = [kind.style for kind in KINDS.values() if not kind.told and not kind.style.unchanged]
    styles = (unchanged, *beside, *mixers, *kinds, MIXED)
    if always_mixes:
        return Legend(
            styles=styles,
            noun="mixer",
            unchanged="fixed",
            membership="A network belongs to the one kind of mixer it uses besides the fixed shuffle.",
            comparison="Each network with another mixer against the best fixed network of no greater cost.",
            compared="mixers",
            terms=(*TERMS, ("unchanged", UNCHANGED.format(what="the fixed shuffle"))),
            caution=CAUTION,
        )
    told = ", ".join(kind.style.label for kind in KINDS.values() if kind.told)
    return Legend(
        styles=styles,
        noun="kind",
        unchanged="dense",
        membership="A network belongs to the one kind of stage it has besides dense ones: grouped convolutions by their mixer, "
        f"other convolutions by their kind ({told}).",
        comparison="Each network with other convolutions against the best dense network of no greater cost.",
        compared="convolutions",
        terms=(*TERMS, ("unchanged", UNCHANGED.format(what="dense convolutions"))),
        caution=CAUTION,
    )


def portrait(candidate: Candidate, channels: Sequence[int] = ()) -> Portrait:
    """How a report describes and draws a candidate; by its decisions if it has no stages, or mixers or kinds unknown here.

    Args:
        candidate: A candidate of a space of stages.
        channels: Number of outputs of each stage; empty if they are not known.
    """
    per_stage = stages(candidate)
    if not (per_stage and len(channels) in (0, len(per_stage)) and all(map(_is_known, per_stage.values()))):
        return plain_portrait(candidate)
    return Portrait(
        description=_description(candidate, per_stage),
        kind=_kind_of_network(per_stage.values()),
        parts=tuple(
            Part(
                name=name,
                kind=stage_kind(decisions),
                title=stage_title(decisions),
                words=stage_words(decisions),
                units=_integer(decisions.get("units")),
                channels=outputs,
                drawing=_kind(decisions).drawing,
            )
            for (name, decisions), outputs in zip_longest(per_stage.items(), channels)
        ),
    )


def stages(candidate: Candidate) -> dict[str, Decisions]:
    """The decisions of each stage, in the order of their numbers."""
    found: dict[str, dict[str, Scalar]] = {}
    for name, value in candidate.architecture.items():
        match = STAGE.fullmatch(name)
        if match:
            found.setdefault(match[1], {})[match[2]] = value
    return dict(sorted(found.items(), key=lambda item: int(item[0].removeprefix("stage"))))


def stage_kind(decisions: Decisions) -> str | None:
    """The name of a stage's kind: its mixer, or its convolutions if reports classify stages by them, or `mixed` for both.

    A stage in which neither is changed has the kind of its convolutions, or the unchanged kind. It is None if neither the
    mixer nor the convolutions are a decision.
    """
    if not {"mixer", "convolution"} & decisions.keys():
        return None
    kind, mixer = _kind(decisions), decisions.get("mixer")
    chosen = [] if mixer is None or BLOCKS[str(mixer)].unchanged else [str(mixer)]
    chosen += [kind.style.name] if kind.told else []
    if chosen:
        return chosen[0] if len(chosen) == 1 else MIXED.name
    return _unchanged_mixer().name if kind.style.unchanged and mixer is not None else kind.style.name


def stage_title(decisions: Decisions) -> str:
    """A stage's convolutions and how it mixes channels, in words; empty if it decides on neither."""
    kind = _kind(decisions)
    convolutions = [kind.title(decisions)] if "convolution" in decisions else []
    mixer = [BLOCKS[str(decisions["mixer"])].label] if "mixer" in decisions else []
    return ", ".join([*mixer, *convolutions] if kind.told else [*convolutions, *mixer])


def stage_words(decisions: Decisions) -> str:
    """The other decisions on a stage, in words."""
    kind = _kind(decisions)
    parts = list(kind.words(decisions))
    if "groups" in decisions:
        over = "shuffle over " if "mixer" in decisions and BLOCKS[str(decisions["mixer"])].unchanged else ""
        parts.append(f"{over}{counted(decisions['groups'], 'group')}")
    if "n1" in decisions and "n2" in decisions:
        parts.append(f"Kronecker pair {decisions['n1']} x {decisions['n2']}")
    if "group_rank" in decisions and "pair_rank" in decisions:
        parts.append(f"in each layer groups of rank {decisions['group_rank']}, pair of rank {decisions['pair_rank']}")
    if "reduction" in decisions:
        parts.append(f"generator C/{decisions['reduction']}")
    if "share" in decisions:
        parts.append(SHARED.get(str(decisions["share"]), f"share {decisions['share']}"))
    if "kron_rank" in decisions:
        parts.append(f"static matrix of {counted(decisions['kron_rank'], 'term')}{_deployed_form(decisions)}")
    if "sum_level" in decisions:
        parts.append(ADDED.get(str(decisions["sum_level"]), f"sum level {decisions['sum_level']}"))
    known = OF_MIXERS | kind.told_decisions
    parts += [f"{name.replace('_', ' ')} {value}" for name, value in decisions.items() if name not in known]
    return ", ".join(parts)


def _kind(decisions: Decisions) -> Kind[Any]:
    return KINDS[str(decisions.get("convolution", DENSE.name))]


def _unchanged_mixer() -> KindStyle:
    (found,) = ((name, mixer) for name, mixer in BLOCKS.items() if mixer.unchanged)
    return KindStyle(
        name=found[0], label=found[1].label, shape=found[1].shape, meaning=found[1].meaning, unchanged=True
    )


def _is_known(decisions: Decisions) -> bool:
    return str(decisions.get("convolution", DENSE.name)) in KINDS and (
        "mixer" not in decisions or str(decisions["mixer"]) in BLOCKS
    )


def _kind_of_network(per_stage: Iterable[Decisions]) -> str:
    """The single kind of a network's stages, apart from unchanged ones and those that stages are not named by; else `mixed`."""
    kinds = {kind for decisions in per_stage if (kind := stage_kind(decisions)) is not None}
    if not kinds:
        return PLAIN
    dense = DENSE.style.name
    chosen = kinds - {_unchanged_mixer().name, dense}
    if not chosen:
        return dense if dense in kinds else _unchanged_mixer().name
    told = chosen - {kind.style.name for kind in KINDS.values() if not kind.told} or chosen
    return told.pop() if len(told) == 1 else MIXED.name


def _description(candidate: Candidate, per_stage: Mapping[str, Decisions]) -> str:
    """One short line, such as `48 | 4-8-4 | fixed dyn(2,4x6) fixed`.

    If convolutions are a choice, they come before the mixer: `0.5 | 3-3-3 | dense, grouped/4 dynamic(2,4x6), static-dynamic`.
    """
    of_whole = {name: value for name, value in candidate.architecture.items() if not STAGE.fullmatch(name)}
    whole = [str(value) if name == "width" else f"{name}={value}" for name, value in of_whole.items()]
    units = [str(decisions["units"]) for decisions in per_stage.values() if "units" in decisions]
    return " | ".join(part for part in (" ".join(whole), "-".join(units), _short_stages(per_stage)) if part)


def _short_stages(per_stage: Mapping[str, Decisions]) -> str:
    every = per_stage.values()
    if not any("convolution" in decisions for decisions in every):
        return " ".join(_short_mixer(decisions, alone=True) for decisions in every if "mixer" in decisions)
    named = []
    for decisions in every:
        convolutions = [_kind(decisions).short(decisions)] if "convolution" in decisions else []
        mixer = [_short_mixer(decisions, alone=False)] if "mixer" in decisions else []
        named.append(" ".join([*convolutions, *mixer]))
    return ", ".join(part for part in named if part)


def _short_mixer(decisions: Decisions, *, alone: bool) -> str:
    mixer = BLOCKS[str(decisions["mixer"])]
    name = mixer.short if alone else mixer.spoken
    groups = [str(decisions["groups"])] if "groups" in decisions else []
    pair = [f"{decisions['n1']}x{decisions['n2']}"] if "n1" in decisions and "n2" in decisions else []
    inside = ",".join(groups + pair)
    return f"{name}({inside})" if inside and not mixer.unchanged else name


def _deployed_form(decisions: Decisions) -> str:
    """How the static matrix of a stage is deployed, if not by its Kronecker factors."""
    if decisions.get("sum_level") == "factor":
        return ""
    n1, n2, terms = (decisions.get(name) for name in ("n1", "n2", "kron_rank"))
    if "group_rank" in decisions or not (isinstance(n1, int) and isinstance(n2, int) and isinstance(terms, int)):
        return ", deployed as a dense one in layers where that is cheaper"
    # Multiply-adds a channel and position: r (n1 + n2) with the factors, n1 n2 with the matrix of each group.
    return ", deployed as a dense one" if n1 * n2 <= terms * (n1 + n2) else ""


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) else None
