"""Layers beside double precision, in this process: on whatever CPU this is, right ones agree and wrong ones are named."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from evaluator.device import Execution
from evaluator.measuring.exactness import REPEATS, Deviation, worst_deviation
from tests.evaluator.checked_networks import OffScale, network
from tests.evaluator.networks import plain_network, shuffling_network

SHAPE = (16, 1, 8, 8)


def deviation(model: nn.Module, precision: str = "fp32", channels_last: bool = True) -> Deviation | None:
    execution = Execution(device=torch.device("cpu"), precision=precision, channels_last=channels_last)
    return worst_deviation(model, SHAPE, execution, threads=1)


class Changed(nn.Module):
    """A weighted copy of its input; what leaves it in single precision is changed by a factor for so many calls."""

    def __init__(self, factor: float, calls: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self._factor = factor
        self._calls = calls

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self._calls -= x.dtype == torch.float32
        return x * self.weight * (self._factor if x.dtype == torch.float32 and self._calls >= 0 else 1.0)


class Borrowing(nn.Module):
    """Uses the weights of a layer that it never calls."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = OffScale(8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return OffScale.forward(self.inner, x)


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("make", [plain_network, shuffling_network, lambda: network(nn.ReLU(inplace=True))])
def test_right_networks_have_no_deviation(make: Callable[[], nn.Module], precision: str, channels_last: bool) -> None:
    torch.manual_seed(0)
    assert deviation(make(), precision, channels_last) is None


@pytest.mark.parametrize("layer", [OffScale(8), nn.Sequential(OffScale(8)), Borrowing()])
def test_a_wrong_gradient_is_named_with_its_parameter_and_its_error(layer: nn.Module) -> None:
    found = deviation(network(nn.Conv2d(8, 8, 1), layer))
    assert found is not None
    names = {"scale", "0.scale", "inner.scale"}
    assert found.what in {f"the gradient of 4.{name}" for name in names}
    assert found.error == pytest.approx(0.05, rel=1e-3)
    assert found.threads == 1


def test_a_wrong_output_is_named_and_what_is_no_number_is_infinitely_wrong() -> None:
    for factor, error in ((1.5, 0.5), (math.nan, math.inf)):
        found = deviation(network(Changed(factor, 10**9)))
        assert found is not None
        assert found.what.endswith(" 3") or found.what.endswith(" 3.weight")
        assert found.error == pytest.approx(error, rel=1e-3)


def test_what_is_off_for_one_batch_of_images_alone_is_no_fault() -> None:
    # A call to find the layer, then the repeated ones.
    assert deviation(network(Changed(1.5, 1 + REPEATS))) is None
    assert deviation(network(Changed(1.5, 2 + 2 * REPEATS))) is not None


def test_what_is_wrong_in_one_call_of_several_is_found() -> None:
    class Flickering(Changed):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self._factor = 1.5 if self._calls % REPEATS == 1 else 1.0
            return super().forward(x)

    assert deviation(network(Flickering(1.0, 10**9))) is not None


def test_torch_has_its_threads_and_onednn_back() -> None:
    torch.set_num_threads(2)  # the fixture of these tests sets one again
    execution = Execution(device=torch.device("cpu"), precision="fp32", channels_last=True)
    seen = []
    worst_deviation(
        plain_network(), SHAPE, execution, 3, lambda _layer, threads: seen.append((threads, torch.get_num_threads()))
    )
    assert set(seen) == {(1, 1), (3, 3)}
    assert torch.get_num_threads() == 2
    assert torch.backends.mkldnn.enabled
