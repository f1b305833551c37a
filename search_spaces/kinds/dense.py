"""Dense convolutions: the host as it was published."""

from __future__ import annotations

from typing import Any

from nas.portrait import KindStyle
from search_spaces.architecture import StageShape, StageValues
from search_spaces.kinds.kind import Convolutions, Kind, Unchanged
from search_spaces.ranks import KroneckerRanks


class Dense(Kind[Any]):
    """The convolutions of the unchanged network."""

    name = "dense"
    style = KindStyle(
        name="dense",
        label="dense",
        meaning="Convolutions as in the published network: every output channel reads every input channel.",
        unchanged=True,
    )
    told = False

    def convolutions(self, values: StageValues, shape: StageShape, ranks: KroneckerRanks) -> Convolutions:
        """The host's own convolutions."""
        return Unchanged()
