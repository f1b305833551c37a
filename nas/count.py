"""How known costs are counted: one count for all networks of a search, since costs of two cannot be compared."""

from __future__ import annotations

from dataclasses import dataclass

from nas.ports import CostFunction

COSTS_VERSION = "costs_version"
"""Name under which studies and files keep the version of the count by which they state costs."""
FIRST_VERSION = 1
"""Of what was counted before versions were written down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How known costs are counted."""

    costs: CostFunction
    """Of a candidate, exact, nothing measured among them."""
    version: int = FIRST_VERSION
    """Equal for two counts exactly if they give every candidate the same costs."""
