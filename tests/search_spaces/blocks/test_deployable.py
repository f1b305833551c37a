"""The contract of every channel mixer's deployed form."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from module_protocols import Counted, EvaluationMode, LearnedShuffle
from search_spaces import compact
from search_spaces.blocks import BLOCKS, GENERATED, LEARNED, RANKED, GeneratorSpec, MixerSpec, Relaxation
from search_spaces.blocks.deployed.channel_affine import ChannelAffine
from search_spaces.blocks.deployed.deployable import Deployable
from search_spaces.blocks.deployed.deployed_gather import ChannelGather, GeneratedGather
from search_spaces.blocks.spec import NORMALIZERS, ROUNDINGS, SHARES, SOURCES
from tests.search_spaces.perturbation import perturb

LAYOUTS = (torch.contiguous_format, torch.channels_last)
RELAXATIONS = {
    f"{normalizer} {rounding}": Relaxation(normalizer=normalizer, rounding=rounding, temperature=0.5)
    for normalizer, rounding in itertools.product(NORMALIZERS, ROUNDINGS)
}
GENERATORS = {
    f"{share} {source}{' standardized' * standardize}": GeneratorSpec(
        reduction=4, share=share, source=source, standardize=standardize
    )
    for share, source, standardize in itertools.product(SHARES, SOURCES, (False, True))
}
SIZES = {"three groups": (3, 3, 4), "one group": (1, 4, 9), "nine groups": (9, 2, 2)}
EVERY_BLOCK = pytest.mark.parametrize("kind", sorted(BLOCKS))


def spec(size: str = "three groups", **changes: object) -> MixerSpec:
    groups, n1, n2 = SIZES[size]
    given: dict[str, object] = {"generator": GeneratorSpec(reduction=4), "kron_rank": 2, **changes}
    return MixerSpec(channels=36, host_groups=2, groups=groups, n1=n1, n2=n2, **given)  # type: ignore[arg-type]


def make(kind: str, made: MixerSpec) -> nn.Module:
    """Away from its start: maps differ between images, rows collide."""
    return perturb(BLOCKS[kind](made).double(), 1.0).eval()


def features(images: int = 4, layout: torch.memory_format = torch.contiguous_format) -> torch.Tensor:
    return torch.randn(images, 36, 3, 5, dtype=torch.float64).to(memory_format=layout)


def assert_same(block: nn.Module) -> None:
    network = compact(block)
    for images, layout in itertools.product((1, 4), LAYOUTS):
        x = features(images, layout)
        y = network(x)
        torch.testing.assert_close(y, block(x), rtol=1e-10, atol=1e-10)
        assert y.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("sum_level", ["full", "factor"])
@EVERY_BLOCK
def test_outputs_and_layout_are_the_blocks(kind: str, sum_level: str, size: str) -> None:
    assert_same(make(kind, spec(size, sum_level=sum_level, kron_rank=1 if sum_level == "factor" else 3)))


@pytest.mark.parametrize("relaxation", RELAXATIONS)
@pytest.mark.parametrize("kind", LEARNED)
def test_every_rounding_is_honoured(kind: str, relaxation: str) -> None:
    assert_same(make(kind, spec(relaxation=RELAXATIONS[relaxation])))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("sum_level", ["full", "factor"])
@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("kind", GENERATED)
def test_every_generator_is_honoured(kind: str, generator: str, sum_level: str, size: str) -> None:
    made = spec(size, generator=GENERATORS[generator], sum_level=sum_level, kron_rank=1)
    assert_same(make(kind, made))


@EVERY_BLOCK
def test_it_is_the_same_in_training_mode(kind: str) -> None:
    network, x = compact(make(kind, spec())), features()
    assert torch.equal(network.train()(x), network.eval()(x))


@EVERY_BLOCK
def test_its_state_has_the_same_names_and_sizes_whatever_the_values(kind: str) -> None:
    start, moved = (compact(block) for block in (BLOCKS[kind](spec("one group")), make(kind, spec("one group"))))
    assert repr(start.state_dict().keys()) == repr(moved.state_dict().keys())
    start.double().load_state_dict(moved.state_dict())
    x = features()
    assert torch.equal(start(x), moved(x))


@EVERY_BLOCK
def test_deployed_alone_it_is_made_of_the_values_of_now(kind: str) -> None:
    block, x = make(kind, spec()), features()
    assert isinstance(block, Deployable)
    torch.testing.assert_close(block.deployed()(x), block(x), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("mode", EvaluationMode)
@pytest.mark.parametrize("kind", LEARNED)
def test_what_is_deployed_is_hard_whatever_the_reading(kind: str, mode: EvaluationMode) -> None:
    block, x = make(kind, spec()), features()
    assert isinstance(block, LearnedShuffle)
    hard = block(x)
    block.set_evaluation_mode(mode)
    torch.testing.assert_close(compact(block)(x), hard, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("images", [1, 4])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kron_rank", [1, 3])
@pytest.mark.parametrize("kind", RANKED)
def test_torch_counts_the_multiply_adds_of_the_block(
    kind: str, kron_rank: int, layout: torch.memory_format, images: int
) -> None:
    block, x = make(kind, spec(kron_rank=kron_rank)), features(images, layout)
    assert isinstance(block, Counted)
    deployed = compact(block)
    with FlopCounterMode(display=False) as counter:
        deployed(x)
    linear = sum(images * m.in_features * m.out_features for m in deployed.modules() if isinstance(m, nn.Linear))
    assert counter.get_total_flops() / 2 == block.multiply_adds(tuple(x.shape)) + linear


@EVERY_BLOCK
def test_it_can_be_exported(kind: str) -> None:
    network = compact(make(kind, spec()))
    exported = torch.export.export(network, (features(),)).module()
    x = features()
    torch.testing.assert_close(exported(x), network(x))


def test_static_kinds_are_one_index_map() -> None:
    for kind in ("random", "static", "static_full"):
        network = compact(make(kind, spec()))
        assert isinstance(network, ChannelGather)
        assert not list(network.parameters())
    constant = compact(make("dynamic", spec(generator=GeneratorSpec(source="constant"))))
    assert isinstance(constant, ChannelGather)
    assert isinstance(compact(make("dynamic", spec())), GeneratedGather)


def test_an_identity_does_nothing_and_is_looked_for_again_when_other_maps_are_loaded() -> None:
    identity, other = ChannelGather(torch.arange(3)), ChannelGather(torch.tensor([2, 0, 0]))
    x = torch.randn(2, 3, 4, 4)
    assert identity(x) is x
    both = nn.Sequential(identity)
    both.load_state_dict({"0.index_map": other.index_map})
    assert torch.equal(both(x), x[:, [2, 0, 0]])
    other.load_state_dict({"index_map": torch.arange(3)})
    assert other(x) is x
    assert compact(BLOCKS["none"](spec()))(x) is x


@pytest.mark.parametrize("kind", [*GENERATED, "squeeze_excitation"])
def test_under_autocast_generators_compute_in_float32_as_the_block_does(kind: str) -> None:
    block = perturb(BLOCKS[kind](spec())).eval()
    x = torch.randn(4, 36, 3, 5, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        ours, theirs = compact(block)(x), block(x)
    torch.testing.assert_close(ours.float(), theirs.float(), rtol=0.05, atol=0.05 if kind == "static_dynamic" else 0)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_channel_affine_is_its_norm_at_evaluation(layout: torch.memory_format) -> None:
    for norm in (nn.BatchNorm2d(36), nn.BatchNorm2d(36, affine=False)):
        perturb(norm.double().eval())
        x = features(3, layout)
        y = ChannelAffine(norm)(x)
        torch.testing.assert_close(y, norm(x))
        assert y.is_contiguous(memory_format=layout)
    pooled = nn.BatchNorm1d(4, affine=False).double().eval()
    x = torch.randn(3, 4, dtype=torch.float64)
    torch.testing.assert_close(ChannelAffine(perturb(pooled), positions=0)(x), pooled(x))  # type: ignore[arg-type]
