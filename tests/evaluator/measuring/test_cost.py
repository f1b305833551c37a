from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from evaluator.measuring.cost import count_cost
from module_protocols import Counted
from nas.errors import CostError
from tests.evaluator.networks import plain_network, shuffling_network


class Mixing(nn.Module, Counted):
    """Multiplies the channels by a matrix of its own; one of its two matrices is not deployed."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, channels))
        self.helper = nn.Parameter(torch.randn(channels, channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, c, h, w = x.shape
        return torch.matmul(self.weight, x.reshape(n, c, h * w)).reshape(n, c, h, w)

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        _, c, h, w = input_shape
        return c * c * h * w

    def deployed_parameters(self) -> int:
        return self.weight.numel()


NETWORKS = {
    "plain": (plain_network(3), (1, 3, 16, 16)),
    "strided, dilated and grouped": (
        nn.Sequential(nn.Conv2d(4, 8, 3, 2, 1, groups=2), nn.Conv2d(8, 8, 3, dilation=2, groups=4), nn.PReLU(8)),
        (1, 4, 15, 17),
    ),
    "transposed": (nn.Sequential(nn.ConvTranspose2d(4, 6, 3, 2, groups=2)), (1, 4, 7, 5)),
    "one axis": (nn.Sequential(nn.Conv1d(4, 6, 3), nn.BatchNorm1d(6)), (1, 4, 11)),
    "linear on pixels": (
        nn.Sequential(nn.Conv2d(3, 5, 1), nn.Flatten(2), nn.Linear(16, 7), nn.LayerNorm(7)),
        (1, 3, 4, 4),
    ),
    "counted": (nn.Sequential(nn.Conv2d(3, 6, 1), Mixing(6), nn.GroupNorm(2, 6)), (1, 3, 5, 5)),
    "index shuffle": (shuffling_network(), (1, 1, 8, 8)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_multiply_adds_are_half_of_what_flop_counter_mode_counts(name: str) -> None:
    model, shape = NETWORKS[name]
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model.eval()(torch.zeros(shape))
    assert count_cost(model, shape).macs == counter.get_total_flops() / 2


def test_a_convolution_and_a_linear_layer_cost_their_closed_form() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, 10))
    cost = count_cost(model, (5, 3, 8, 8))
    assert [(layer.kind, layer.macs, layer.params, layer.output_shape) for layer in cost.layers] == [
        ("Conv2d", 4 * 4 * 8 * 3 * 9, 8 * 3 * 9 + 8, (1, 8, 4, 4)),
        ("BatchNorm2d", 0, 16, (1, 8, 4, 4)),
        ("Linear", 128 * 10, 128 * 10 + 10, (1, 10)),
    ]
    assert (cost.macs, cost.params) == (sum(la.macs for la in cost.layers), sum(la.params for la in cost.layers))


def test_parameters_are_all_those_of_a_network_without_counted_modules() -> None:
    model = plain_network(3)
    assert count_cost(model, (1, 3, 16, 16)).params == sum(parameter.numel() for parameter in model.parameters())


def test_a_counted_module_says_how_many_parameters_are_deployed() -> None:
    assert count_cost(nn.Sequential(Mixing(6)), (1, 6, 2, 2)).params == 36


def test_a_module_called_twice_costs_twice_and_its_parameters_count_once() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 4, 1, bias=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y: torch.Tensor = self.conv(self.conv(x))
            return y

    cost = count_cost(Twice(), (1, 4, 3, 3))
    assert (cost.macs, cost.params) == (2 * 16 * 9, 16)


def test_a_tied_weight_counts_once() -> None:
    model = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    model[1].weight = model[0].weight
    assert count_cost(model, (1, 4)).params == 16


def test_the_network_is_not_touched() -> None:
    model = shuffling_network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    count_cost(model, (1, 1, 8, 8))
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_a_network_built_on_meta_costs_the_same() -> None:
    with torch.device("meta"):
        model = plain_network()
    assert count_cost(model, (1, 1, 8, 8)) == count_cost(plain_network(), (1, 1, 8, 8))


def test_an_unknown_module_with_parameters_is_an_error_that_names_it() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.LSTM(8, 3))
    with pytest.raises(CostError, match="'2' of type LSTM"):
        count_cost(model, (1, 1, 2, 2))


@pytest.mark.parametrize(
    "multiply",
    [
        lambda x: torch.einsum("nchw,ndhw->ncd", x, x),
        lambda x: x.flatten(2) @ x.flatten(2).transpose(1, 2),
        lambda x: torch.bmm(x.flatten(2), x.flatten(2).transpose(1, 2)),
        lambda x: nn.functional.conv2d(x, x),
    ],
)
def test_a_matrix_product_outside_a_known_module_is_an_error_that_names_it(
    multiply: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    class Product(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return multiply(x)

    with pytest.raises(CostError, match="'1' of type Product"):
        count_cost(nn.Sequential(nn.Conv2d(1, 2, 1), Product()), (1, 1, 4, 4))
