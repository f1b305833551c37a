"""The space of a table, with one decision for each position of a coding."""

from __future__ import annotations

from nas.candidate import Candidate
from nas.dimensions import Choice
from nas.simple_space import SimpleSpace
from nas.table import Table


def tabular_space(table: Table) -> SimpleSpace:
    """The space of all networks in a table: decisions `position1`, `position2`, ... with the letters that occur there."""
    positions = enumerate(table.alphabets, start=1)
    return SimpleSpace("tabular", *(Choice(name=f"position{k}", choices=letters) for k, letters in positions))


def coding_of(candidate: Candidate) -> str:
    """The coding of a candidate of a tabular space."""
    return "".join(str(letter) for letter in candidate.architecture.values())
