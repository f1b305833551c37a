from __future__ import annotations

import torch
from torch import nn

from evaluator.training.averaging import AveragedNetwork
from tests.evaluator.networks import plain_network


def test_the_average_of_weights_and_running_statistics_is_the_closed_form() -> None:
    # With a constant decay d: kept = d^n start + (1 - d) sum_i d^(n - i) live_i.
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    averaged = AveragedNetwork(model)
    expected = {name: value.clone().double() for name, value in model.state_dict().items()}
    history = []
    for _ in range(5):
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(torch.randn_like(tensor))
        history.append({name: value.clone().double() for name, value in model.state_dict().items()})
        averaged.update(0.7)
    for name, value in averaged.network.state_dict().items():
        if value.is_floating_point():
            closed = 0.7**5 * expected[name] + sum(0.3 * 0.7 ** (4 - i) * each[name] for i, each in enumerate(history))
            torch.testing.assert_close(value.double(), closed, rtol=1e-5, atol=1e-6)


def test_whole_numbers_are_copied() -> None:
    model = plain_network()
    averaged = AveragedNetwork(model)
    model(torch.randn(4, 1, 8, 8))
    averaged.update(0.9)
    assert averaged.network.state_dict()["1.num_batches_tracked"] == 1


def test_the_average_needs_no_gradient_and_is_in_evaluation_mode() -> None:
    averaged = AveragedNetwork(plain_network())
    assert not any(parameter.requires_grad for parameter in averaged.network.parameters())
    assert not any(module.training for module in averaged.network.modules())
