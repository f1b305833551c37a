"""The contract of a shuffle that is undone."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from evaluator.measuring.cost import count_cost
from module_protocols import EvaluationMode
from search_spaces import compact
from search_spaces.blocks import GeneratorSpec, Relaxation
from search_spaces.blocks.factors.factors import assigned_rows
from search_spaces.blocks.permutations.kronecker_shuffle import dense_matrix
from search_spaces.blocks.permutations.permutation import cross_group_shuffle, matrix
from search_spaces.blocks.restored_shuffle import RestoredShuffle
from search_spaces.hosts.shufflenet_v2 import SplitUnit

LAYOUTS = (torch.contiguous_format, torch.channels_last)


def unit() -> SplitUnit:
    found = SplitUnit(24)
    found.mixer = nn.Identity()
    return found


def make(*, moved: bool = True, relaxation: Relaxation | None = None, share: str = "matrices") -> RestoredShuffle:
    block = RestoredShuffle(
        unit(),
        groups=2,
        n1=3,
        n2=4,
        generator=GeneratorSpec(reduction=4, share=share),
        relaxation=relaxation or Relaxation(),
    ).double()
    if moved:
        with torch.no_grad():
            for parameter in block.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
            block.generator.logits.weight.normal_(0.0, 10.0)
    return block


def features(layout: torch.memory_format = torch.contiguous_format) -> torch.Tensor:
    return torch.randn(5, 24, 3, 4, dtype=torch.float64).to(memory_format=layout)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("share", ["matrices", "generator", "none"])
def test_evaluation_equals_the_matrices_and_keeps_the_layout(share: str, layout: torch.memory_format) -> None:
    block, x = make(share=share).eval(), features(layout)
    host = matrix(cross_group_shuffle(24, 2)).double()
    outer, inner_rows = (matrix(assigned_rows(torch.softmax(p, -1))).double() for p in block.factor_logits(x))
    around = dense_matrix(outer, inner_rows, 2) @ host.T
    inner = block.body(torch.einsum("bij,bjhw->bihw", around, x))
    expected = torch.einsum("ij,bkj,bkhw->bihw", host, around, inner)
    y = block(x)
    torch.testing.assert_close(y, expected, rtol=1e-10, atol=1e-10)
    assert y.is_contiguous(memory_format=layout)
    assert len({tuple(each.flatten().tolist()) for each in around}) > 1


def test_it_begins_as_the_unit_and_the_hosts_shuffle() -> None:
    block, x = make(moved=False), features()
    body = copy.deepcopy(block.body)
    for network in (block.train(), block.eval()):
        expected = nn.ChannelShuffle(2)(copy.deepcopy(body).train(network.training)(x))
        torch.testing.assert_close(copy.deepcopy(network)(x), expected)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("relaxation", [Relaxation(), Relaxation(binarize_from=1.0)], ids=["hard", "soft"])
def test_training_gives_a_gradient_to_the_input_and_every_parameter(
    relaxation: Relaxation, layout: torch.memory_format
) -> None:
    block, x = make(relaxation=relaxation).train(), features(layout).requires_grad_()
    y = block(x)
    (y * torch.randn_like(y)).sum().backward()
    for name, tensor in (("x", x), *block.named_parameters()):
        assert tensor.grad is not None, name
        assert tensor.grad.isfinite().all(), name
        assert tensor.grad.abs().sum() > 0, name


def test_hard_training_gives_the_values_of_the_evaluation() -> None:
    block, x = make(), features()
    block.set_progress(1.0)
    hard = block.train()
    hard.body.eval()  # its norms go by the batch in training
    torch.testing.assert_close(hard(x), block.eval()(x))


def test_before_its_share_of_the_training_it_is_the_unit() -> None:
    block, x = make(relaxation=Relaxation(learned_from=0.5)).eval(), features()
    body = copy.deepcopy(block.body).train()
    block.train().set_progress(0.4)
    torch.testing.assert_close(block(x), nn.ChannelShuffle(2)(body(x)))
    assert block.penalty().item() == 0


@pytest.mark.parametrize("layout", LAYOUTS)
def test_deployed_it_has_the_same_outputs_and_the_stated_cost(layout: torch.memory_format) -> None:
    block, x = make().eval(), features(layout)
    network = compact(block)
    torch.testing.assert_close(network(x), block(x), rtol=1e-10, atol=1e-10)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    with FlopCounterMode(display=False) as counter:
        network(x[:1])
    assert count_cost(block, (1, 24, 3, 4)).macs == counter.get_total_flops() / 2


def test_another_images_permutations_are_undone_too() -> None:
    block, x = make().eval(), features()
    block.set_evaluation_mode(EvaluationMode.SWAPPED)
    assert not torch.allclose(block(x), make().eval()(x))
    assert block.statistics()["valid"] == 1
