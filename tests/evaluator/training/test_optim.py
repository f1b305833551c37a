from __future__ import annotations

import torch

from evaluator.training.optim import decay_groups, make_optimizer, set_rate
from tests.evaluator.networks import shuffling_network


def test_norms_biases_and_logits_are_not_decayed_and_all_else_is() -> None:
    model = shuffling_network()
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    decayed, free = ([names[id(p)] for p in group["params"]] for group in decay_groups(model, 0.1))  # type: ignore[attr-defined]
    assert decayed == ["0.weight", "4.weight", "9.weight"]
    assert sorted(free) == ["1.bias", "1.weight", "3.logits", "4.bias", "5.bias", "5.weight", "9.bias"]


def test_a_frozen_parameter_is_in_no_group() -> None:
    model = shuffling_network()
    model[0].requires_grad_(False)
    grouped = {id(p) for group in decay_groups(model, 0.1) for p in group["params"]}  # type: ignore[attr-defined]
    assert id(model[0].weight) not in grouped
    assert len(grouped) == len(list(model.parameters())) - 1


def test_two_steps_equal_nesterov_momentum_written_out() -> None:
    weight = torch.nn.Linear(3, 2, bias=False)
    start = weight.weight.detach().clone()
    optimizer = make_optimizer(weight, momentum=0.9, weight_decay=0.01)
    set_rate(optimizer, 0.1)
    gradients = [torch.randn(2, 3), torch.randn(2, 3)]
    expected, velocity = start.clone(), torch.zeros(2, 3)
    for gradient in gradients:
        weight.weight.grad = gradient.clone()
        optimizer.step()
        full = gradient + 0.01 * expected
        velocity = 0.9 * velocity + full
        expected = expected - 0.1 * (full + 0.9 * velocity)
    torch.testing.assert_close(weight.weight.detach(), expected)


def test_a_channels_last_network_takes_the_step_of_a_contiguous_one() -> None:
    # The fused optimizer walks over memory: it needs weights and gradients in one layout, which autograd takes care of.
    torch.manual_seed(0)
    model = shuffling_network(channels=3)
    states = []
    for memory_format in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        model = shuffling_network(channels=3)
        model.to(memory_format=memory_format)  # type: ignore[call-overload]  # missing in torch's stub
        optimizer = make_optimizer(model, momentum=0.9, weight_decay=0.01)
        set_rate(optimizer, 0.1)
        for _ in range(2):
            optimizer.zero_grad()
            model(torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))).square().sum().backward()
            optimizer.step()
        states.append(model.state_dict())
    torch.testing.assert_close(states[0], states[1], rtol=1e-3, atol=1e-3)
