"""The known costs of candidates, each architecture counted once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import torch
from torch import nn

from evaluator.cost import count_cost
from nas.candidate import Candidate

VERSION = 3
"""Of the count of all costs here, to be raised whenever a network costs something else than before; see `nas.recount`.

1 took every Kronecker matrix at the cost of its factors, 2 takes it at that of its cheaper form, factors or dense. 2 took rebuilt
filters at the cost of two stages, in narrow layers more than that of a dense convolution, and rotations and affine maps ran more
than was stated; 3 takes them at that of their cheaper form, two stages or dense, and that is what runs.
"""


class CostTable:
    """A `nas.ports.CostFunction`: multiply-adds (`macs`) and parameters (`params`) of a candidate, without training it.

    Args:
        build: Makes a candidate's network on torch's default device.
        input_shape: `(n, c, h, w)` of its input; costs are for one image.
        more: Further costs of an untrained network on the meta device, by name.
    """

    def __init__(
        self,
        build: Callable[[Candidate], nn.Module],
        input_shape: tuple[int, ...],
        more: Mapping[str, Callable[[nn.Module], float]] | None = None,
    ) -> None:
        self._build = build
        self._input_shape = input_shape
        self._more = dict(more or {})
        self._known: dict[str, Mapping[str, float]] = {}

    def __call__(self, candidate: Candidate) -> Mapping[str, float]:
        """The costs by objective name."""
        key = json.dumps(dict(candidate.architecture), sort_keys=True)
        if key not in self._known:
            with torch.device("meta"):
                model = self._build(candidate).eval()
            cost = count_cost(model, self._input_shape)
            further = {name: float(count(model)) for name, count in self._more.items()}
            self._known[key] = {"macs": float(cost.macs), "params": float(cost.params), **further}
        return self._known[key]
