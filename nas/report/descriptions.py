"""An architecture in words: a network in one short line, and a stage in a longer one."""

from __future__ import annotations

from collections.abc import Mapping

from nas.candidate import Candidate
from nas.dimensions import Scalar
from nas.mixers import FIXED, of_whole_network, stages
from nas.report.styles import styles

_SHORT = {"static_full": "full", "dynamic": "dyn", "static_dynamic": "s+d"}
# Beside "static-dynamic", which is what static-dynamic convolutions are called, no mixer is shortened.
_BESIDE_STATIC_DYNAMIC = {"static_dynamic": "static+dynamic"}
_SHARED = {
    "matrices": "one pair for all groups",
    "generator": "one generator for all groups",
    "none": "own pairs",
}
_TITLES = {"reconstructed": "filters rebuilt of others", "learned_groups": "learned groups and shuffles"}
_ADDED = {"full": "whole matrices added", "factor": "Kronecker factors added"}


def describe(candidate: Candidate) -> str:
    """An architecture in one short line, such as `48 | 4-8-4 | fixed dyn(2,4x6) fixed`.

    Where convolutions are a choice, what they are stands before the mixer: `0.5 | 3-3-3 | dense, grouped/4 dynamic(2,4x6),
    static-dynamic`. A space without stages gives `name=value` pairs.
    """
    per_stage = stages(candidate)
    if not per_stage:
        return ", ".join(f"{name}={value}" for name, value in candidate.architecture.items())
    whole = [
        str(value) if name == "width" else f"{name}={value}" for name, value in of_whole_network(candidate).items()
    ]
    units = [str(decisions["units"]) for decisions in per_stage.values() if "units" in decisions]
    return " | ".join(part for part in (" ".join(whole), "-".join(units), _short_stages(per_stage)) if part)


def stage_title(decisions: Mapping[str, Scalar]) -> str:
    """What a stage's convolutions are and how it mixes channels; empty where it decides on neither."""
    parts = []
    if "mixer" in decisions:
        mixer = str(decisions["mixer"])
        parts.append(styles([mixer])[mixer].label)
    if "convolution" in decisions:
        kind = str(decisions["convolution"])
        if kind == "grouped" and "conv_groups" in decisions:
            parts.insert(0, f"convolutions in {decisions['conv_groups']} groups")
        else:
            parts.append(_TITLES.get(kind, f"{kind.replace('_', '-')} convolutions"))
    return ", ".join(parts)


def stage_words(decisions: Mapping[str, Scalar]) -> str:
    """The rest of what is decided on a stage."""
    known = {"mixer", "units", "groups", "n1", "n2", "reduction", "share", "convolution", "conv_groups"}
    known |= {"group_rank", "pair_rank", "kron_rank", "sum_level", "learned_groups"}
    known |= {"rebuilt", "transformation", "filter_groups", "least_templates"}
    parts = []
    if "learned_groups" in decisions:
        parts.append(f"{decisions['learned_groups']} times fewer multiply-adds aimed at")
    if "rebuilt" in decisions:
        share = decisions["rebuilt"]
        told = f"{share:.0%}" if isinstance(share, float) else f"a share of {share}"
        parts.append(f"{told} of them by {decisions.get('transformation', 'a')} transformations")
    if "filter_groups" in decisions:
        parts.append(f"of {_counted(decisions['filter_groups'], 'channel group')}")
    if "least_templates" in decisions:
        parts.append(f"at least {_counted(decisions['least_templates'], 'template')}")
    if "groups" in decisions and decisions.get("mixer") != FIXED:
        parts.append(_counted(decisions["groups"], "group"))
    elif "groups" in decisions:
        parts.append(f"shuffle over {decisions['groups']} groups")
    if "n1" in decisions and "n2" in decisions:
        parts.append(f"Kronecker pair {decisions['n1']} x {decisions['n2']}")
    if "group_rank" in decisions and "pair_rank" in decisions:
        parts.append(f"in each layer groups of rank {decisions['group_rank']}, pair of rank {decisions['pair_rank']}")
    if "reduction" in decisions:
        parts.append(f"generator C/{decisions['reduction']}")
    if "share" in decisions:
        parts.append(_SHARED.get(str(decisions["share"]), f"share {decisions['share']}"))
    if "kron_rank" in decisions:
        parts.append(f"static matrix of {_counted(decisions['kron_rank'], 'term')}{_deployed_form(decisions)}")
    if "sum_level" in decisions:
        parts.append(_ADDED.get(str(decisions["sum_level"]), f"sum level {decisions['sum_level']}"))
    parts += [f"{name.replace('_', ' ')} {value}" for name, value in decisions.items() if name not in known]
    return ", ".join(parts)


def _deployed_form(decisions: Mapping[str, Scalar]) -> str:
    """How the static matrix of a stage is deployed, where that is not by its Kronecker factors."""
    if decisions.get("sum_level") == "factor":
        return ""
    n1, n2, terms = (decisions.get(name) for name in ("n1", "n2", "kron_rank"))
    if "group_rank" in decisions or not (isinstance(n1, int) and isinstance(n2, int) and isinstance(terms, int)):
        return ", deployed as a dense one in layers where that is cheaper"
    # Multiply-adds a channel and position: r (n1 + n2) with the factors, n1 n2 with the matrix of each group.
    return ", deployed as a dense one" if n1 * n2 <= terms * (n1 + n2) else ""


def _short_stages(per_stage: Mapping[str, Mapping[str, Scalar]]) -> str:
    every = per_stage.values()
    if not any("convolution" in decisions for decisions in every):
        return " ".join(_short_mixer(decisions, _SHORT) for decisions in every if "mixer" in decisions)
    named = [
        " ".join(
            part
            for part in (
                _short_convolution(decisions),
                _short_mixer(decisions, _BESIDE_STATIC_DYNAMIC) if "mixer" in decisions else "",
            )
            if part
        )
        for decisions in every
    ]
    return ", ".join(part for part in named if part)


def _short_convolution(decisions: Mapping[str, Scalar]) -> str:
    name = str(decisions.get("convolution", "")).replace("_", "-")
    if "rebuilt" in decisions:
        groups = f"/{decisions['filter_groups']}" if "filter_groups" in decisions else ""
        return f"rebuilt({decisions['rebuilt']},{decisions.get('transformation', '')}{groups})"
    groups = next((f"/{decisions[key]}" for key in ("conv_groups", "learned_groups") if key in decisions), "")
    return name + groups


def _short_mixer(decisions: Mapping[str, Scalar], names: Mapping[str, str]) -> str:
    kind = str(decisions["mixer"])
    name = names.get(kind, kind.replace("_", "-"))
    groups = [str(decisions["groups"])] if "groups" in decisions else []
    pair = [f"{decisions['n1']}x{decisions['n2']}"] if "n1" in decisions and "n2" in decisions else []
    inside = ",".join(groups + pair)
    return f"{name}({inside})" if inside and kind != FIXED else name


def _counted(count: Scalar, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
