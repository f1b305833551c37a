"""Optuna's own tests of a sampler, run on ours: without costs it is an ordinary one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import BasicSamplerTestCase, MultiObjectiveSamplerTestCase, RelativeSamplerTestCase

from nas.samplers.known_cost import KnownCostSampler


class TestBasic(BasicSamplerTestCase):
    """What every sampler must do."""

    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: KnownCostSampler(seed=0)


class TestRelative(RelativeSamplerTestCase):
    """What a sampler that proposes all decisions at once must do."""

    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: KnownCostSampler(seed=0)


class TestMultiObjective(MultiObjectiveSamplerTestCase):
    """What a sampler for several objectives must do."""

    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: KnownCostSampler(seed=0)
