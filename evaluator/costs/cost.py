"""What a cost of a network is, and from what it is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nas.objectives import Objective

if TYPE_CHECKING:
    from evaluator.measuring.cost import NetworkCost


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network in evaluation mode: untrained and on the meta device, or trained where training decides its costs."""

    model: Any
    """The network, a `torch.nn.Module`."""
    input_shape: tuple[int, int, int, int]
    """Shape `(n, c, h, w)` of the input; costs are for one image unless they say otherwise."""
    deploy: Callable[[Any], Any] = lambda model: model
    """Makes the deployed form of a network, without changing the network that it is given."""
    batch: int = 1
    """Number of images in a forward, for costs that depend on it."""

    @cached_property
    def count(self) -> NetworkCost:
        """Multiply-adds and parameters, counted once per network."""
        from evaluator.measuring.cost import count_cost

        return count_cost(self.model, self.input_shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A quantity of a network that needs no training, and how it is counted."""

    objective: Callable[[float], Objective]
    """Makes the objective, given the cost from which the hypervolume is measured."""
    count: Callable[[Network], float] | None
    """Counts the exact cost, within a tenth of a second; None if the cost is measured on a device (`nas.latency.book`)."""
    always: bool = False
    """Whether the cost is counted in every search; other costs are counted only as objectives or with a limit."""
    of_batch: bool = False
    """Whether the cost depends on the number of images in a forward."""
