"""Kinds of convolutions, from which a stage chooses what its convolutions are.

`KINDS` maps the name of a kind to its description. An entry in it enrolls a kind in the spaces that offer every kind, in
the report and in the contract tests; a kind with settings of its own must also be among the bases of `EveryKindSettings`.
Importing this module does not import torch; building a network does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from search_spaces.kinds.dense import Dense
from search_spaces.kinds.grouped import Grouped, GroupedSettings
from search_spaces.kinds.kind import Convolutions, Kind
from search_spaces.kinds.learned_groups import LearnedGroups, LearnedGroupsSettings
from search_spaces.kinds.reconstructed import Reconstructed, ReconstructedSettings
from search_spaces.kinds.static_dynamic import StaticDynamic

__all__ = ["DENSE", "KINDS", "Convolutions", "EveryKindSettings", "Kind"]

DENSE = Dense()
"""The kind of a stage whose decisions change nothing."""

KINDS: dict[str, Kind[Any]] = {
    "dense": DENSE,
    "grouped": Grouped(),
    "static_dynamic": StaticDynamic(),
    "reconstructed": Reconstructed(),
    "learned_groups": LearnedGroups(),
}


@dataclass(frozen=True, kw_only=True)
class EveryKindSettings(GroupedSettings, ReconstructedSettings, LearnedGroupsSettings):
    """The settings of all kinds, for the spaces that offer all of them."""
