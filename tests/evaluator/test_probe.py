from __future__ import annotations

import pytest

from evaluator.probe import step_seconds
from evaluator.settings import TrainSettings
from tests.evaluator.networks import plain_network, shuffling_network


@pytest.mark.parametrize("network", [plain_network(), shuffling_network()])
def test_a_step_takes_a_finite_positive_time(network) -> None:  # type: ignore[no-untyped-def]
    assert 0 < step_seconds(network, (1, 1, 8, 8), 10, TrainSettings(batch_size=16), "cpu") < 60
