"""What a forward holds at its peak, against networks counted by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from evaluator.device import Execution
from evaluator.measuring.peak_memory import PeakMemory, peak_memory


def execution(device: str) -> Execution:
    return Execution(device=torch.device(device), precision="fp32", channels_last=False)


def peak(network: nn.Module, batch: int = 3, device: str = "cpu") -> PeakMemory:
    return peak_memory(network, (2, 5, 5), batch=batch, execution=execution(device))


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_chain_holds_the_larger_pair_of_neighbours(device: str) -> None:
    """Of 3 images on 25 positions in 4 bytes: 4 channels are 1200 bytes, 8 are 2400; the last pair is 2400 and 36."""
    chain = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(4, 8, 1),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(200, 3),
    )
    weights = 4 * (2 * 4 * 9 + 4 + 4 * 8 + 8 + 200 * 3 + 3)
    assert peak(chain, device=device) == PeakMemory(weights=weights, images=600, activations=1200 + 2400)


class Residual(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        kept = x + 1
        inner = (kept * 2).relu()
        return inner + kept


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_what_a_shortcut_keeps_counts_while_it_is_kept(device: str) -> None:
    """`kept`, its double and the double's positive part are held at one time, later `kept`, that part and the sum."""
    assert peak(Residual(), device=device) == PeakMemory(weights=0, images=600, activations=3 * 600)


def test_views_and_what_was_there_hold_nothing_more() -> None:
    class Views(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            first, _ = x.flatten(2).chunk(2, 1)
            return first.transpose(1, 2).unsqueeze(0).expand(4, -1, -1, -1)

    assert peak(Views()).activations == 0


def test_a_tied_weight_counts_once() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Conv2d(2, 2, 1, bias=False)
            self.b = nn.Conv2d(2, 2, 1, bias=False)
            self.b.weight = nn.Parameter(self.a.weight.data)

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.b(self.a(x))
            return y

    assert peak(Tied()).weights == 4 * 4


def test_activations_grow_with_the_batch_and_weights_do_not() -> None:
    chain = nn.Sequential(nn.Conv2d(2, 4, 1), nn.ReLU())
    one, many = (peak(chain, batch) for batch in (1, 64))
    assert many == PeakMemory(weights=one.weights, images=64 * one.images, activations=64 * one.activations)
    assert one.total == one.weights + one.images + one.activations


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_what_is_followed_is_what_the_allocator_gave_out() -> None:
    """Tensors of multiples of 512 bytes, which the allocator does not round."""
    network = nn.Sequential(nn.ReLU(), nn.Sigmoid(), nn.Tanh())
    shape = (8, 16, 16)
    found = [peak_memory(network, shape, batch=4, execution=execution(device)) for device in ("cpu", "cuda")]
    assert found[0] == found[1]
