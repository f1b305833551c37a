"""The known costs of candidates, with each architecture counted once."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import nn

from evaluator.costs import COSTS, Network
from nas.candidate import Candidate

VERSION = 3
"""Version of the count of all costs here. Raise it whenever a network costs something else than before; see
`nas.study.cost_migration`.

Version 1 counted every Kronecker matrix by its factors; version 2 counts its cheaper form, factors or dense. Version 2
counted rebuilt filters as two stages, which in narrow layers cost more than a dense convolution, and rotations and affine
maps ran more than was stated; version 3 counts their cheaper form, two stages or dense, which is also the one that runs.
"""


class CostTable:
    """A `nas.ports.CostFunction`: the costs of a candidate that are counted without training it, by name.

    Args:
        build: Makes a candidate's network on torch's default device.
        input_shape: `(n, c, h, w)` of its input; costs are for one image.
        further: Names of costs that are counted in addition to those that always are.
        deploy: Makes the deployed form of an untrained network.
        batch: Number of images in a forward, for costs that depend on it.
    """

    def __init__(
        self,
        build: Callable[[Candidate], nn.Module],
        input_shape: tuple[int, int, int, int],
        further: Collection[str] = (),
        *,
        deploy: Callable[[Any], Any] = lambda model: model,
        batch: int = 1,
    ) -> None:
        self._build = build
        self._input_shape = input_shape
        self._counts = {
            name: cost.count
            for name, cost in COSTS.items()
            if cost.count is not None and (cost.always or name in further)
        }
        self._deploy = deploy
        self._batch = batch
        self._known: dict[str, Mapping[str, float]] = {}

    def __call__(self, candidate: Candidate) -> Mapping[str, float]:
        """The costs of a candidate, by name."""
        key = json.dumps(dict(candidate.architecture), sort_keys=True)
        if key not in self._known:
            with torch.device("meta"):
                model = self._build(candidate).eval()
            network = Network(model=model, input_shape=self._input_shape, deploy=self._deploy, batch=self._batch)
            self._known[key] = {name: float(count(network)) for name, count in self._counts.items()}
        return self._known[key]
