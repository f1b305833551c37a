"""What a cost of a network is, and what it is counted from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nas.objectives import Objective

if TYPE_CHECKING:
    from evaluator.measuring.cost import Cost as Count


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network in evaluation mode: untrained and on the meta device, or trained where the training decides what it costs."""

    model: Any
    """A `torch.nn.Module`."""
    input_shape: tuple[int, int, int, int]
    """`(n, c, h, w)` of its input; costs are for one image unless they say otherwise."""
    deploy: Callable[[Any], Any] = lambda model: model
    """Makes the network as it is deployed; the one that it is handed stays as it is."""
    batch: int = 1
    """Images of a forward, for costs that depend on it."""

    @cached_property
    def count(self) -> Count:
        """Multiply-adds and parameters, counted once."""
        from evaluator.measuring.cost import count_cost

        return count_cost(self.model, self.input_shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A quantity of a network that needs no training, and how it is counted."""

    objective: Callable[[float], Objective]
    """All that is to be known of it, from the value that the hypervolume is measured from."""
    count: Callable[[Network], float] | None
    """Exact, in up to a tenth of a second; None where it is measured on a device (`nas.latency.book`)."""
    always: bool = False
    """Whether it is counted in every search; another one where it is an objective or has a limit."""
    of_batch: bool = False
    """Whether it depends on the number of images in a forward."""
