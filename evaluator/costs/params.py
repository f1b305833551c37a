"""The cost `params`: parameters of the deployed network."""

from __future__ import annotations

from evaluator.costs.cost import Cost, Network
from nas.objectives import Direction, Form, Objective, ObjectiveKind


def objective(reference: float) -> Objective:
    """The objective, in parameters on a logarithmic scale."""
    return Objective(
        name="params",
        direction=Direction.MINIMIZE,
        kind=ObjectiveKind.KNOWN,
        unit="parameters",
        reference=reference,
        log=True,
        words="parameters",
        label="Parameters",
        form=Form.COUNT,
        meaning="The numbers that are learned and stored, in the deployed network.",
    )


def count(network: Network) -> float:
    """The parameters of the deployed network."""
    return float(network.count.params)


COST = Cost(objective=objective, count=count, always=True)
