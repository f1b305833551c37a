"""A space that is nothing but its decisions, for searches of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nas.candidate import Candidate
from nas.dimensions import Dimension, Genotype, Scalar
from nas.errors import SpaceError
from nas.space import SearchSpace


class SimpleSpace(SearchSpace):
    """Candidates are the decisions that have an effect; two that differ in one of them differ.

    Args:
        name: Of the space.
        dimensions: Its decisions; one that another depends on comes first.
        former: For a decision that was added to a space with a study, the value that earlier candidates are taken to have.
    """

    def __init__(self, name: str, *dimensions: Dimension, former: Mapping[str, Scalar] | None = None) -> None:
        self.name = name
        self._dimensions = dimensions
        self._former = dict(former or {})

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """The decisions."""
        return self._dimensions

    def decode(self, genotype: Genotype) -> Candidate:
        """The decisions that have an effect, all as architecture."""
        return Candidate(space=self.name, architecture=self.active(genotype), training={})

    def former(self, settings: Mapping[str, Any]) -> Mapping[str, Scalar]:
        """What was said when the space was made."""
        return self._former

    def baselines(self) -> Mapping[str, Genotype]:
        """None."""
        return {}

    def settings(self) -> dict[str, Any]:
        """Name and decisions, in words."""
        return {"name": self.name, "decisions": [str(dimension) for dimension in self._dimensions]}

    def build(self, candidate: Candidate) -> Any:
        """Refused: the evaluator of such a space knows what to do with a candidate.

        Raises:
            SpaceError: Always.
        """
        raise SpaceError(f"the space {self.name} builds nothing: its evaluator does")
