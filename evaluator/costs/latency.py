"""The cost `latency`: milliseconds of a forward of the deployed network, measured on the device as `--latency` says."""

from __future__ import annotations

from evaluator.costs.cost import Cost
from nas.objectives import Direction, Objective, ObjectiveKind


def objective(reference: float) -> Objective:
    """The objective, in milliseconds on a logarithmic scale."""
    return Objective(
        name="latency",
        direction=Direction.MINIMIZE,
        kind=ObjectiveKind.MEASURABLE,
        unit="ms",
        reference=reference,
        log=True,
        heading="latency_ms",
        meaning="The time that the deployed network takes to answer, measured on one device.",
    )


COST = Cost(objective=objective, count=None, of_batch=True)
