from __future__ import annotations

import math

import pytest
from torch import nn

from evaluator.settings import TrainSettings
from evaluator.training.probe import step_seconds
from nas.errors import SettingsError
from tests.evaluator.networks import plain_network, shuffling_network


@pytest.mark.parametrize("network", [plain_network(), shuffling_network()])
def test_a_step_takes_a_finite_positive_time(network: nn.Module) -> None:
    assert 0 < step_seconds(network, (1, 1, 8, 8), 10, TrainSettings(batch_size=16), "cpu") < math.inf


@pytest.mark.parametrize("batch_size", [10**14, 10**18])
def test_a_batch_that_no_memory_holds_is_named_as_the_setting_it_is(batch_size: int) -> None:
    with pytest.raises(SettingsError, match=f"--train.batch_size is {batch_size}, but .* fails on cpu") as caught:
        step_seconds(plain_network(), (1, 1, 8, 8), 10, TrainSettings(batch_size=batch_size), "cpu")
    assert "\n" not in str(caught.value)
