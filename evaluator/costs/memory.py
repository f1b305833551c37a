"""The cost `memory`: the peak memory of a forward of the deployed network, in MB of 10^6 bytes."""

from __future__ import annotations

from evaluator.costs.cost import Cost, Network
from nas.objectives import Direction, Objective, ObjectiveKind


def objective(reference: float) -> Objective:
    """The objective, in MB on a logarithmic scale."""
    return Objective(
        name="memory",
        direction=Direction.MINIMIZE,
        kind=ObjectiveKind.KNOWN,
        unit="MB",
        reference=reference,
        log=True,
        label="Memory of a forward (MB)",
        heading="memory_mb",
        meaning="The most memory that weights, images and intermediate results take at once while the network answers.",
    )


def count(network: Network) -> float:
    """The memory of weights, images and activations of a batch, in MB, computed on the meta device."""
    import torch

    from evaluator.device import Execution
    from evaluator.measuring.peak_memory import peak_memory

    on_paper = Execution(device=torch.device("meta"), precision="fp32", channels_last=False)
    deployed = network.deploy(network.model)
    return peak_memory(deployed, network.input_shape[1:], batch=network.batch, execution=on_paper).total / 1e6


COST = Cost(objective=objective, count=count, of_batch=True)
