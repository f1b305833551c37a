"""Networks of all spaces agree with double precision, so that no search is refused for the rounding of a right machine."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from evaluator.device import Execution
from evaluator.measuring.exactness import worst_deviation
from nas.samplers.distributions import distributions, draw
from nas.space import SearchSpace
from search_spaces import SPACES, make_space, space_settings


@pytest.fixture(scope="module", params=SPACES)
def space(request: pytest.FixtureRequest) -> SearchSpace:
    return make_space(space_settings(name=request.param), image_size=32, channels=3, classes=10)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("drawn", [False, True], ids=["baseline", "drawn"])
def test_right_machines_are_not_refused(space: SearchSpace, drawn: bool, precision: str) -> None:
    baseline = next(iter(space.baselines().values()))
    genotype = draw(distributions(space.dimensions), np.random.default_rng(0)) if drawn else baseline
    torch.manual_seed(0)
    network = space.build(space.decode(genotype))
    execution = Execution(device=torch.device("cpu"), precision=precision, channels_last=True)
    assert worst_deviation(network, (2, 3, 32, 32), execution, threads=1) is None
