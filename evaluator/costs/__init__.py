"""The costs of a network, by name, in the order of tables. A further cost takes a file here and a line below.

Declaring them imports only the standard library, since names and units are needed before anything heavy is loaded.
"""

from __future__ import annotations

from evaluator.costs.cost import Cost, Network
from evaluator.costs.latency import COST as LATENCY
from evaluator.costs.macs import COST as MACS
from evaluator.costs.memory import COST as MEMORY
from evaluator.costs.params import COST as PARAMS

_ALL = (MACS, PARAMS, LATENCY, MEMORY)
COSTS: dict[str, Cost] = {cost.objective(1.0).name: cost for cost in _ALL}

__all__ = ["COSTS", "Cost", "Network", "always_counted"]


def always_counted(network: Network) -> dict[str, float]:
    """The costs that every search counts, by name."""
    return {name: cost.count(network) for name, cost in COSTS.items() if cost.always and cost.count is not None}
