from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import torch
from torch import nn

from module_protocols import LearnedShuffle
from search_spaces import make_space, space_settings
from search_spaces.blocks import BLOCKS, LEARNED, GeneratorSpec, MixerSpec
from tests.search_spaces.genotypes import draw
from tests.search_spaces.perturbation import perturb

# Both are torch's own doing (2.13): tracing a torch.autograd.Function instantiates it, and inductor's imports are deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.class 'torch.autograd.function.Function'. should not be instantiated"),
    pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated"),
]


def block(kind: str, *, colliding: bool) -> nn.Module:
    """A mixer in training; not colliding, it begins with permutations, whose gradients an eager run takes another way."""
    spec = MixerSpec(channels=36, host_groups=2, groups=3, n1=3, n2=4, generator=GeneratorSpec(reduction=4))
    made = BLOCKS[kind](spec).train()
    return perturb(made, 1.0) if colliding else made


def shufflenet() -> nn.Module:
    settings = space_settings(widths=(16,), units=((1,), (1,), (1,)), mixers=("dynamic",), binarize_from=(0.0,))
    space = make_space(settings, image_size=8, channels=3, classes=5)
    model: nn.Module = space.build(space.decode(draw(space, random.Random(0))))
    return model.train()


def loss_and_gradients(
    model: nn.Module, forward: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Of a loss that depends on all outputs and on the penalties."""
    model.zero_grad()
    x = x.clone().requires_grad_()
    y = forward(x)
    loss = (y * torch.linspace(-1, 1, y.numel()).view(y.shape)).mean()
    loss = loss + sum(module.penalty() for module in model.modules() if isinstance(module, LearnedShuffle))
    loss.backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert x.grad is not None
    return {"loss": loss.detach(), "x": x.grad, **{name: each.clone() for name, each in gradients.items()}}


def assert_compiled_trains_alike(model: nn.Module, x: torch.Tensor, backend: str) -> None:
    torch.compiler.reset()
    model, x = model.double(), x.double()  # a shift before a norm has a gradient of nothing but rounding
    eager = loss_and_gradients(model, model, x)
    compiled = loss_and_gradients(model, torch.compile(model, backend=backend, fullgraph=True), x)
    assert compiled.keys() == eager.keys()
    for name, value in eager.items():
        torch.testing.assert_close(compiled[name], value, rtol=1e-5, atol=1e-10)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("colliding", [True, False])
@pytest.mark.parametrize("kind", LEARNED)
def test_a_compiled_block_is_one_graph_with_the_loss_and_gradients_of_the_eager_one(
    kind: str, colliding: bool, layout: torch.memory_format
) -> None:
    x = torch.randn(4, 36, 5, 5).to(memory_format=layout)
    assert_compiled_trains_alike(block(kind, colliding=colliding), x, "aot_eager")


def test_a_compiled_network_is_one_graph_with_the_loss_and_gradients_of_the_eager_one() -> None:
    assert_compiled_trains_alike(shufflenet(), torch.randn(4, 3, 8, 8), "aot_eager")


@pytest.mark.slow
def test_the_first_stage_compiled_by_inductor_has_the_loss_and_gradients_of_the_eager_one() -> None:
    stage = shufflenet().get_submodule("stages.0")
    assert_compiled_trains_alike(stage, torch.randn(4, 24, 8, 8), "inductor")
