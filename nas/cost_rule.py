"""How known costs are counted: one count for all networks of a search, since costs of two cannot be compared."""

from __future__ import annotations

from dataclasses import dataclass

from nas.ports import CostFunction

COSTS_VERSION = "costs_version"
"""Name under which studies and files keep the version of the count by which they state costs."""
FIRST_VERSION = 1
"""The version of costs that were counted before versions were recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRule:
    """A way of counting the known costs of candidates, with a version by which it is told apart from other ways."""

    costs: CostFunction
    """Gives the known costs of a candidate. They are exact, and none of them is measured."""
    version: int = FIRST_VERSION
    """Two counts have equal versions exactly if they give every candidate the same costs."""
