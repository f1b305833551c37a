"""A search space that consists of its decisions alone, for searches of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nas.candidate import Candidate
from nas.dimensions import Dimension, Genotype, Scalar
from nas.errors import SpaceError
from nas.space import SearchSpace


class SimpleSpace(SearchSpace):
    """A space whose candidates are their effective decisions; two candidates are different if one of these differs.

    Args:
        name: The name of the space.
        dimensions: The decisions; a decision comes after those it depends on.
        former: For each decision that was added after a study had begun, the value that earlier candidates had.
    """

    def __init__(self, name: str, *dimensions: Dimension, former: Mapping[str, Scalar] | None = None) -> None:
        self.name = name
        self._dimensions = dimensions
        self._former = dict(former or {})

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """All decisions, in their order."""
        return self._dimensions

    def decode(self, genotype: Genotype) -> Candidate:
        """The candidate with the decisions that have an effect, all of them part of the architecture."""
        return Candidate(space=self.name, architecture=self.active(genotype), training={})

    def former(self, settings: Mapping[str, Any]) -> Mapping[str, Scalar]:
        """The values of added decisions, as given when the space was made."""
        return self._former

    def baselines(self) -> Mapping[str, Genotype]:
        """An empty mapping, since such a space has no known networks."""
        return {}

    def settings(self) -> dict[str, Any]:
        """The name and a description of each decision."""
        return {"name": self.name, "decisions": [str(dimension) for dimension in self._dimensions]}

    def build(self, candidate: Candidate) -> Any:
        """Always raises, since only the evaluator of such a space knows what its candidates are.

        Raises:
            SpaceError: The space cannot build networks.
        """
        raise SpaceError(f"the space {self.name} builds nothing: its evaluator does")
