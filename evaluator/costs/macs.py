"""The cost `macs`: multiply-adds for one image."""

from __future__ import annotations

from evaluator.costs.cost import Cost, Network
from nas.objectives import Direction, Form, Objective, ObjectiveKind


def objective(reference: float) -> Objective:
    """The objective, in multiply-adds on a logarithmic scale."""
    return Objective(
        name="macs",
        direction=Direction.MINIMIZE,
        kind=ObjectiveKind.KNOWN,
        unit="MACs",
        reference=reference,
        log=True,
        words="multiply-adds",
        label="Multiply-adds (MACs)",
        form=Form.COUNT,
        meaning="The multiplications with an addition that one image takes, each counted as 1, in the deployed network. Papers on "
        "small networks often call them FLOPs. They are a measure of arithmetic, not of time.",
        caution="Multiply-adds flatter channel mixing: moving channels by index costs time and memory traffic, but no "
        "multiply-add.",
    )


def count(network: Network) -> float:
    """The multiply-adds of the deployed network."""
    return float(network.count.macs)


COST = Cost(objective=objective, count=count, always=True)
