"""What the options of a dynamic shuffle do to gradients and over a training."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from module_protocols import LearnedShuffle
from search_spaces.blocks import BLOCKS, BlendSpec, GeneratorSpec, MixerSpec, Relaxation
from search_spaces.blocks.blend_shuffle import BlendShuffle
from search_spaces.blocks.channel_shuffle import ChannelShuffle, channel_shuffle
from search_spaces.blocks.dynamic_shuffle import DynamicShuffle
from search_spaces.blocks.permutations.kronecker_shuffle import dense_matrix
from search_spaces.blocks.permutations.permutation import cross_group_shuffle, matrix

SPEC = MixerSpec(channels=24, host_groups=2, groups=2, n1=3, n2=4, generator=GeneratorSpec(reduction=4))
HARD_KINDS = ("static", "static_full", "dynamic", "static_dynamic")


def made(kind: str, **changes: object) -> nn.Module:
    torch.manual_seed(0)
    return BLOCKS[kind](replace(SPEC, **changes)).double().train()  # type: ignore[arg-type]


def features(images: int = 6) -> torch.Tensor:
    return torch.randn(images, 24, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def trunk_gradient(mixer: nn.Module) -> torch.Tensor:
    """Of the layer before the mixer, in a small network."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 24, 3), nn.ReLU(), mixer, nn.Conv2d(24, 5, 3), nn.Flatten()).double()
    x, labels = torch.randn(8, 3, 5, 5, dtype=torch.float64), torch.arange(8) % 5
    nn.functional.cross_entropy(network(x), labels).backward()
    gradient = network[0].weight.grad
    assert isinstance(gradient, torch.Tensor)
    return gradient


def test_the_trunk_learns_by_default_as_if_the_shuffle_were_the_fixed_one_where_no_row_changes() -> None:
    gradients = {"fixed": trunk_gradient(ChannelShuffle(24, 2))}
    for name, detach in (("attached", False), ("default", True)):
        # With this spread logits depend on the image, and every row is still that of the identity for each.
        block = made("dynamic", generator=GeneratorSpec(reduction=4, spread=0.3, detach=detach))
        assert isinstance(block, DynamicShuffle)
        gradients[name] = trunk_gradient(block)
        outer, inner = (torch.softmax(logits, -1).argmax(-1) for logits in block.factor_logits(features()))
        assert torch.equal(outer, torch.arange(3).expand_as(outer))
        assert torch.equal(inner, torch.arange(4).expand_as(inner))
    torch.testing.assert_close(gradients["default"], gradients["fixed"])
    assert (gradients["attached"] - gradients["fixed"]).norm() > 0.01 * gradients["fixed"].norm()


def test_the_generator_learns_in_either_case() -> None:
    for detach in (True, False):
        block, x = made("dynamic", generator=GeneratorSpec(reduction=4, detach=detach)), features().requires_grad_()
        (block(x) ** 2 * torch.randn_like(x)).sum().backward()
        assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in block.parameters())


@pytest.mark.parametrize("kind", HARD_KINDS)
def test_a_gate_has_the_values_of_the_hard_rows(kind: str) -> None:
    straight, gated = made(kind), made(kind, relaxation=Relaxation(estimator="gated"))
    gated.load_state_dict(straight.state_dict())
    x = features()
    torch.testing.assert_close(gated(x), straight(x), rtol=1e-12, atol=1e-12)


def test_the_gradient_of_a_gate_is_that_of_scaling_what_was_chosen() -> None:
    block = made("static", relaxation=Relaxation(estimator="gated"))
    x = features()
    weights = torch.randn_like(x)
    (block(x) * weights).sum().backward()
    p1, p2 = (torch.softmax(logits.detach(), -1)[0, 0] for logits in block.logit_parameters())  # type: ignore[operator]
    chosen = [p.argmax(-1) for p in (p1, p2)]
    # y = S (I (x) D1 H1 (x) D2 H2) x with diagonal D = p / p; dD1[i] / dp1[i] = 1 / p1[i] at the chosen entry, 0 elsewhere.
    expected = torch.zeros_like(p1)
    for i, j in enumerate(chosen[0].tolist()):
        row = torch.zeros_like(p1)
        row[i, j] = 1
        moved = dense_matrix(row[None], matrix(chosen[1])[None].double(), 2)
        expected[i, j] = (torch.einsum("ij,bjhw->bihw", moved, x) * weights).sum() / p1[i, j]
    logits = next(iter(block.logit_parameters()))  # type: ignore[operator]
    by_softmax = p1 * (expected - (expected * p1).sum(-1, keepdim=True))
    torch.testing.assert_close(logits.grad[0, 0], by_softmax)


@pytest.mark.parametrize("kind", HARD_KINDS)
def test_before_its_share_of_the_training_a_late_shuffle_is_the_hosts_and_learns_nothing(kind: str) -> None:
    block = made(kind, relaxation=Relaxation(learned_from=0.6))
    assert isinstance(block, LearnedShuffle)
    with torch.no_grad():
        for parameter in block.logit_parameters():
            parameter.add_(10 * torch.randn_like(parameter))
    x = features()
    host = channel_shuffle(x, 2)
    if kind == "static_dynamic":
        block.norm = nn.Identity()
        host = 2 * host  # its static part begins as the identity
    block.set_progress(0.59)
    y = block(x)
    torch.testing.assert_close(y, host)
    assert block.penalty().item() == 0
    if y.requires_grad:
        y.sum().backward()
    assert all(parameter.grad is None or not parameter.grad.any() for parameter in block.logit_parameters())
    block.set_progress(0.6)
    assert not torch.allclose(block(x), host)
    assert block.penalty().item() > 0


def test_a_temperature_falls_evenly_on_a_log_scale_over_the_first_half() -> None:
    relaxation = Relaxation(temperature=1.0, final_temperature=0.01)
    found = [relaxation.at(share).temperature for share in (0.0, 0.25, 0.5, 0.9)]
    assert found == pytest.approx([1.0, 0.1, 0.01, 0.01])
    assert Relaxation(temperature=0.3).at(0.7).temperature == 0.3


def test_a_falling_temperature_is_that_of_the_penalty_in_training_and_of_the_soft_reading_after() -> None:
    plain = made("static", relaxation=Relaxation(temperature=0.1))
    block = made("static", relaxation=Relaxation(temperature=1.0, final_temperature=0.1))
    block.load_state_dict(plain.state_dict())
    assert isinstance(block, LearnedShuffle)
    assert isinstance(plain, LearnedShuffle)
    x = features()
    penalties = []
    for share in (0.0, 0.5):
        block.set_progress(share)
        block(x)
        penalties.append(block.penalty().item())
    plain(x)
    assert penalties[1] == pytest.approx(plain.penalty().item())
    assert penalties[0] > penalties[1]
    logits = torch.randn(1, 3, 3, dtype=torch.float64)
    torch.testing.assert_close(copy.deepcopy(block).eval().soft_of(logits), plain.eval().soft_of(logits))  # type: ignore[operator]


@pytest.mark.parametrize("kind", ["blend", "kronecker_blend"])
def test_a_blend_begins_as_the_hosts_shuffle(kind: str) -> None:
    x = features()
    torch.testing.assert_close(made(kind)(x), channel_shuffle(x, 2))
    softly = made(kind, blend=BlendSpec(permutations=2, bound="softmax"))(x)
    assert torch.nn.functional.cosine_similarity(softly.flatten(), channel_shuffle(x, 2).flatten(), dim=0) > 0.99


def test_two_permutations_of_a_blend_exchange_the_halves() -> None:
    block = made("blend")
    assert isinstance(block, BlendShuffle)
    host = cross_group_shuffle(24, 2)
    assert torch.equal(block.maps[0], host)
    assert torch.equal(block.maps[1], torch.cat((host[12:], host[:12])))


def test_neutral_gates_begin_at_one() -> None:
    block = made("squeeze_excitation", generator=GeneratorSpec(reduction=4, neutral=True))
    x = features()
    torch.testing.assert_close(block(x), channel_shuffle(x, 2))
    assert not torch.allclose(made("squeeze_excitation")(x), channel_shuffle(x, 2))
