"""The contract of every channel mixer."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from module_protocols import Counted, EvaluationMode, LearnedShuffle
from search_spaces import compact
from search_spaces.blocks import BLOCKS, GENERATED, LEARNED, RANKED, BlendSpec, GeneratorSpec, MixerSpec, Relaxation
from search_spaces.blocks.blend_shuffle import BlendCoefficients, BlendShuffle, KroneckerBlend
from search_spaces.blocks.factors.factors import assigned_rows, hard_rows
from search_spaces.blocks.factors.generated_mixer import GeneratedMixer
from search_spaces.blocks.factors.generator import FactorGenerator
from search_spaces.blocks.factors.kronecker_mixer import KroneckerMixer
from search_spaces.blocks.factors.learned_mixer import LearnedMixer
from search_spaces.blocks.permutations.kronecker_shuffle import dense_matrix
from search_spaces.blocks.permutations.permutation import cross_group_shuffle, matrix, shuffle_map
from search_spaces.blocks.random_shuffle import RandomEachShuffle, RandomShuffle
from search_spaces.blocks.squeeze_excitation import SqueezeExcitation
from search_spaces.blocks.static_dynamic_shuffle import StaticDynamicShuffle
from search_spaces.blocks.static_full_shuffle import StaticFullShuffle
from search_spaces.blocks.static_matrix import StaticMatrix

LAYOUTS = (torch.contiguous_format, torch.channels_last)


def spec(**changes: object) -> MixerSpec:
    sizes: dict[str, object] = {"channels": 36, "host_groups": 2, "groups": 3, "n1": 3, "n2": 4}
    return MixerSpec(**{**sizes, "generator": GeneratorSpec(reduction=4), **changes})  # type: ignore[arg-type]


SPECS = {
    "per_layer": spec(),
    "per_group": spec(generator=GeneratorSpec(reduction=4, share="none")),
    "small_generator": spec(generator=GeneratorSpec(reduction=4, share="generator")),
    "one_group": spec(groups=1, n1=4, n2=9),
    "soft_first": spec(relaxation=Relaxation(binarize_from=0.5, temperature=0.5), kron_rank=2),
    "projected": spec(relaxation=Relaxation(rounding="assignment")),
    "standardized": spec(generator=GeneratorSpec(reduction=4, standardize=True, spread=0.5)),
    "constant": spec(generator=GeneratorSpec(reduction=4, source="constant")),
    "factor_sum": spec(sum_level="factor"),
    "gated": spec(relaxation=Relaxation(estimator="gated")),
    "gated_factors": spec(relaxation=Relaxation(estimator="gated"), sum_level="factor"),
    "annealed": spec(relaxation=Relaxation(final_temperature=0.1, binarize_from=0.5)),
    "late": spec(relaxation=Relaxation(learned_from=0.6)),
    "attached": spec(generator=GeneratorSpec(reduction=4, detach=False)),
    "neutral": spec(generator=GeneratorSpec(reduction=4, neutral=True)),
    "softmax_blend": spec(blend=BlendSpec(permutations=3, bound="softmax")),
}
EVERY_BLOCK = pytest.mark.parametrize("kind", sorted(BLOCKS))
EVERY_LEARNED = pytest.mark.parametrize("kind", LEARNED)
EVERY_SPEC = pytest.mark.parametrize("case", SPECS)


def make(kind: str, case: str = "per_layer") -> nn.Module:
    """A block away from its start: logits moved so that maps differ between images and rows collide."""
    block = BLOCKS[kind](SPECS[case]).double()
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.add_(torch.randn_like(parameter))
    return block


def attach(generator: FactorGenerator) -> None:
    """Lets the gradient through what the generator sees, so that it is that of the whole function."""
    generator.spec = replace(generator.spec, detach=False)


def features(layout: torch.memory_format = torch.contiguous_format) -> torch.Tensor:
    return torch.randn(4, 36, 3, 5, dtype=torch.float64).to(memory_format=layout)


def apply(full: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return torch.einsum("bij,bjhw->bihw", full.to(x.dtype).expand(x.shape[0], -1, -1), x)


def dense_hard(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    assert isinstance(block, KroneckerMixer)
    rounded = assigned_rows if block.relaxation.rounding == "assignment" else hard_rows
    outer, inner = (matrix(rounded(torch.softmax(logits, -1))) for logits in block.factor_logits(x))
    return dense_matrix(outer, inner, block.groups)


def fixed_reference(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return apply(matrix(cross_group_shuffle(36, 2)), x)


def kronecker_reference(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return apply(dense_hard(block, x), x)


def static_full_reference(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    assert isinstance(block, StaticFullShuffle)
    rounded = assigned_rows if block.relaxation.rounding == "assignment" else hard_rows
    return apply(matrix(rounded(torch.softmax(block.logits, -1))), x)


def static_dynamic_reference(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    assert isinstance(block, StaticDynamicShuffle)
    if block.sum_level == "factor":
        logits = zip(block.factor_logits(x), (block.outer_weight, block.inner_weight), strict=True)
        outer, inner = (matrix(hard_rows(each)).double() + weight[None] for each, weight in logits)
        summed: torch.Tensor = block.norm(apply(dense_matrix(outer, inner, block.groups), x))
        return summed
    full = dense_hard(block, x).double()
    for w1, w2 in zip(block.outer_weight, block.inner_weight, strict=True):
        full = full + dense_matrix(w1[None], w2[None], block.groups)
    normed: torch.Tensor = block.norm(apply(full, x))
    return normed


def static_matrix_reference(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    assert isinstance(block, StaticMatrix)
    terms = [
        dense_matrix(w1[None], w2[None], block.groups)
        for w1, w2 in zip(block.outer_weight, block.inner_weight, strict=True)
    ]
    normed: torch.Tensor = block.norm(apply(torch.stack(terms).sum(0)[None], x))
    return normed


def squeeze_excitation_reference(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    assert isinstance(block, SqueezeExcitation)
    scale = block.largest * torch.sigmoid(block.excite(torch.relu(block.squeeze(x.mean((2, 3))))))
    return fixed_reference(block, x * scale[:, :, None, None])


def coefficients_of(module: BlendCoefficients, x: torch.Tensor) -> torch.Tensor:
    pooled = x.mean((2, 3))
    deviation = (pooled.var(1, keepdim=True, unbiased=False) + 1e-5).sqrt()
    logits = ((pooled - pooled.mean(1, keepdim=True)) / deviation) @ module.weight.weight.t()
    logits = module.bias + module.scale * logits.view(len(x), *module.bias.shape)
    if module.bound == "softmax":
        return logits.exp() / logits.exp().sum(-1, keepdim=True)
    first = torch.zeros_like(logits)
    first[..., 0] = 1
    return logits.tanh() + first


def blend_reference(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    assert isinstance(block, BlendShuffle)
    shuffled, a = fixed_reference(block, x), coefficients_of(block.coefficients, x)
    k = a.shape[-1]
    y = torch.zeros_like(x)
    for channel in range(36):
        for each in range(k):
            moved = shuffled[:, (channel + each * 36 // k) % 36]
            y[:, channel] += a[:, channel // 18, each, None, None] * moved
    return y


def kronecker_blend_reference(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    assert isinstance(block, KroneckerBlend)
    factors = []
    for module, n in ((block.outer, block.shape.outer[0]), (block.inner, block.shape.inner[0])):
        a = coefficients_of(module, x)[:, 0]
        shift = torch.roll(torch.eye(n, dtype=x.dtype), 1, 1)
        powers = torch.stack([torch.linalg.matrix_power(shift, k) for k in range(a.shape[-1])])
        factors.append(torch.tensordot(a, powers, 1)[:, None])
    outer, inner = factors
    return apply(dense_matrix(outer, inner, block.shape.groups), x)


def random_reference(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    assert isinstance(block, RandomShuffle)
    return x[:, block.index_map]


def random_each_reference(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Read off from the block itself: where it sends distinct channels must be a permutation of its own for each image."""
    assert isinstance(block, RandomEachShuffle)
    c = x.shape[1]
    maps = block(torch.arange(c, dtype=x.dtype).view(1, c, 1, 1).expand(len(x), c, 1, 1))[:, :, 0, 0].long()
    assert all(sorted(each.tolist()) == list(range(c)) for each in maps)
    assert len({tuple(each.tolist()) for each in maps}) > 1
    return apply(matrix(maps), x)


def linear_reference(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Of any block that is one matrix for all images and positions: read off from what it does to each channel alone."""
    units = torch.eye(x.shape[1], dtype=x.dtype)[:, :, None, None]
    return torch.einsum("ji,bjhw->bihw", block(units)[:, :, 0, 0], x)


REFERENCES: dict[str, Callable[[nn.Module, torch.Tensor], torch.Tensor]] = {
    "none": lambda block, x: x,
    "fixed": fixed_reference,
    "random": random_reference,
    "random_each": random_each_reference,
    "squeeze_excitation": squeeze_excitation_reference,
    "static_matrix": static_matrix_reference,
    "static": kronecker_reference,
    "static_full": static_full_reference,
    "dynamic": kronecker_reference,
    "static_dynamic": static_dynamic_reference,
    "blend": blend_reference,
    "kronecker_blend": kronecker_blend_reference,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@EVERY_SPEC
@EVERY_BLOCK
def test_evaluation_by_index_equals_the_dense_matrix_and_keeps_shape_and_layout(
    kind: str, case: str, layout: torch.memory_format
) -> None:
    block, x = make(kind, case).eval(), features(layout)
    y = block(x)
    assert y.shape == x.shape
    assert y.is_contiguous(memory_format=layout)
    reference = REFERENCES.get(kind, linear_reference)
    torch.testing.assert_close(y, reference(block, x), rtol=1e-10, atol=1e-10)


@EVERY_BLOCK
def test_evaluation_twice_gives_the_same_bits(kind: str) -> None:
    block, x = make(kind).eval(), features()
    assert torch.equal(block(x), block(x))


@pytest.mark.parametrize("share_done", [0.0, 1.0])
@pytest.mark.parametrize("layout", LAYOUTS)
@EVERY_SPEC
@EVERY_BLOCK
def test_training_gives_a_gradient_to_the_input_and_every_parameter(
    kind: str, case: str, layout: torch.memory_format, share_done: float
) -> None:
    block, x = make(kind, case).train(), features(layout).requires_grad_()
    if isinstance(block, LearnedShuffle):
        block.set_progress(max(share_done, SPECS[case].relaxation.learned_from))
    (block(x) * torch.randn(x.shape, dtype=x.dtype)).sum().backward()
    for name, tensor in (("x", x), *block.named_parameters()):
        assert tensor.grad is not None, name
        assert tensor.grad.isfinite().all(), name
        assert tensor.grad.abs().sum() > 0, name


@EVERY_SPEC
@EVERY_LEARNED
def test_soft_training_passes_the_numerical_gradient_check(kind: str, case: str) -> None:
    block = make(kind, case).train()
    assert isinstance(block, LearnedMixer)
    block.relaxation = replace(SPECS[case].relaxation, binarize_from=1.0, learned_from=0.0)
    if isinstance(block, GeneratedMixer):
        attach(block.generator)
    x = features()[:2, :, :1, :2].requires_grad_()
    assert torch.autograd.gradcheck(block, (x,), fast_mode=True)


@EVERY_SPEC
@EVERY_BLOCK
def test_state_loaded_into_another_instance_gives_the_same_outputs(kind: str, case: str) -> None:
    block, other, x = make(kind, case).eval(), make(kind, case).eval(), features()
    other.load_state_dict(block.state_dict())
    assert torch.equal(block(x), other(x))


@EVERY_SPEC
@EVERY_BLOCK
def test_built_on_the_meta_device_it_evaluates_there(kind: str, case: str) -> None:
    with torch.device("meta"):
        block = BLOCKS[kind](SPECS[case]).eval()
    for layout in LAYOUTS:
        x = torch.empty(2, 36, 3, 5, device="meta").to(memory_format=layout)
        assert block(x).shape == x.shape


@EVERY_BLOCK
def test_after_a_training_step_it_can_still_be_copied_and_pickled(kind: str) -> None:
    block = make(kind).train()
    block(features())
    for twin in (copy.deepcopy(block), pickle.loads(pickle.dumps(block))):  # noqa: S301
        x = features()
        assert torch.equal(twin.eval()(x), block.eval()(x))


@EVERY_BLOCK
def test_counted_arithmetic_is_what_torch_counts_of_the_deployed_block_beyond_the_linear_layers(kind: str) -> None:
    for case in SPECS:
        block, x = make(kind, case).eval(), features()
        assert isinstance(block, Counted)
        deployed = compact(block)
        with FlopCounterMode(display=False) as counter:
            deployed(x)
        positions = 3 if case == "small_generator" and kind in GENERATED else 1
        linear = sum(
            4 * positions * layer.in_features * layer.out_features
            for layer in deployed.modules()
            if isinstance(layer, nn.Linear)
        )
        # Torch counts matrix products alone, not the sum of scaled channels that a blend is.
        scaled = SPECS[case].blend.permutations * x.numel() if kind == "blend" else 0
        assert counter.get_total_flops() == 2 * (block.multiply_adds(tuple(x.shape)) - scaled + linear)


@pytest.mark.parametrize("kind", sorted(set(BLOCKS) - {"blend", "kronecker_blend"}))
def test_a_static_matrix_of_two_terms_costs_no_more_than_the_dense_one_of_each_group(kind: str) -> None:
    block = BLOCKS[kind](SPECS["soft_first"])
    assert isinstance(block, Counted)
    # 36 channels in three groups, factors of 3 and 4: two terms take 2 (3 + 4) = 14 multiply-adds a channel, one matrix 12.
    assert block.deployed_parameters() == (3 * 12 * 12 if kind in RANKED else 0)
    assert block.multiply_adds((1, 36, 8, 8)) == (36 * 64 * 12 if kind in RANKED else 0)


@EVERY_LEARNED
def test_training_is_soft_before_its_share_of_the_training_and_hard_after(kind: str) -> None:
    block, x = make(kind, "soft_first").train(), features()
    assert isinstance(block, LearnedShuffle)
    hard_evaluation = copy.deepcopy(block).eval()(x)
    if kind == "static_dynamic":
        block.norm = nn.Identity()
        quiet = copy.deepcopy(block).eval()
        hard_evaluation = quiet(x)
    block.set_progress(0.49)
    assert not torch.allclose(block(x), hard_evaluation)
    block.set_progress(0.5)
    torch.testing.assert_close(block(x), hard_evaluation)


@EVERY_LEARNED
def test_soft_evaluation_is_asked_for_and_differs(kind: str) -> None:
    block, x = make(kind).eval(), features()
    assert isinstance(block, LearnedShuffle)
    hard = block(x)
    block.set_evaluation_mode(EvaluationMode.SOFT)
    assert not torch.allclose(block(x), hard)
    block.set_evaluation_mode(EvaluationMode.HARD)
    assert torch.equal(block(x), hard)


@EVERY_SPEC
@EVERY_LEARNED
def test_penalty_is_the_definition_on_the_soft_matrices_and_reaches_the_logits(kind: str, case: str) -> None:
    block, x = make(kind, case).train(), features()
    assert isinstance(block, LearnedMixer)
    block.set_progress(SPECS[case].relaxation.learned_from)
    block(x)
    logits: tuple[torch.Tensor, ...]
    if isinstance(block, KroneckerMixer):
        logits = block.factor_logits(x)
    else:
        assert isinstance(block, StaticFullShuffle)
        logits = (block.logits[None, None],)
    expected = []
    for factor in logits:
        soft = torch.softmax(factor / SPECS[case].relaxation.temperature, -1).flatten(0, 1)
        n = soft.shape[-1]
        errors = [torch.linalg.matrix_norm(p @ p.T - torch.eye(n)) ** 2 / (n - 1) for p in soft]
        expected.append(torch.stack(errors).mean())
    penalty = block.penalty()
    torch.testing.assert_close(penalty, torch.stack(expected).mean())
    penalty.backward()
    assert all(parameter.grad is not None for parameter in block.logit_parameters())


@EVERY_LEARNED
def test_penalty_starts_below_that_of_uniform_rows_and_has_a_gradient(kind: str) -> None:
    block = BLOCKS[kind](SPECS["per_layer"]).train()
    assert isinstance(block, LearnedShuffle)
    block(features().float())
    penalty = block.penalty()
    assert 0 < penalty.item() < 1
    penalty.backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in block.logit_parameters())


@EVERY_LEARNED
def test_statistics_at_the_start_are_those_of_one_permutation(kind: str) -> None:
    block = BLOCKS[kind](SPECS["per_layer"]).eval()
    assert isinstance(block, LearnedShuffle)
    block(features().float())
    assert block.statistics() == {"valid": 1.0, "coverage": 1.0, "disagreement": 0.0}


@pytest.mark.parametrize("kind", ["dynamic", "static_dynamic"])
def test_statistics_are_of_the_maps_of_the_last_evaluation(kind: str) -> None:
    block, x = make(kind).eval(), features() * 5
    assert isinstance(block, KroneckerMixer)
    block(x)
    outer, inner = (logits.argmax(-1) for logits in block.factor_logits(x))
    maps = shuffle_map(outer, inner, 3)
    distinct = torch.tensor([len(set(row.tolist())) for row in maps])
    statistics = block.statistics()
    assert statistics["valid"] == pytest.approx((distinct == 36).float().mean().item())
    assert statistics["coverage"] == pytest.approx((distinct / 36).mean().item())
    assert statistics["disagreement"] > 0


@EVERY_LEARNED
def test_what_was_not_yet_run_is_not_reported(kind: str) -> None:
    block = make(kind)
    assert isinstance(block, LearnedShuffle)
    with pytest.raises(RuntimeError, match="last training forward"):
        block.penalty()
    with pytest.raises(RuntimeError, match="last hard evaluation forward"):
        block.statistics()


@EVERY_LEARNED
def test_sixteen_bit_training_keeps_the_penalty_in_float32(kind: str) -> None:
    block = BLOCKS[kind](SPECS["soft_first"]).train()
    assert isinstance(block, LearnedShuffle)
    x = torch.randn(4, 36, 3, 5, dtype=torch.bfloat16, requires_grad=True)
    for done in (0.0, 1.0):
        block.set_progress(done)
        with torch.autocast("cpu", torch.bfloat16):
            y = block(x)
            penalty = block.penalty()
        assert penalty.dtype is torch.float32
        (y.float().square().sum() + penalty).backward()


@pytest.mark.parametrize("kind", ["static_full", "static", "dynamic"])
def test_with_the_hosts_groups_training_begins_as_the_hosts_own_shuffle(kind: str) -> None:
    block = BLOCKS[kind](spec(groups=2, n1=3, n2=6)).eval()
    x = features().float()
    assert torch.equal(block(x), nn.ChannelShuffle(2)(x))


@pytest.mark.parametrize(("channels", "temperature"), [(24, 1.0), (464, 1.0), (464, 0.25)])
def test_static_full_begins_with_the_same_weight_at_any_size_and_temperature(channels: int, temperature: float) -> None:
    block = BLOCKS["static_full"](spec(channels=channels, relaxation=Relaxation(temperature=temperature)))
    assert isinstance(block, StaticFullShuffle)
    peaks = torch.softmax(block.logits / temperature, -1).amax(-1)
    assert peaks.mean().item() == pytest.approx(0.88, abs=0.01)


@pytest.mark.parametrize("kind", ["static", "static_full"])
def test_swapping_images_changes_nothing_where_all_have_the_same_permutation(kind: str) -> None:
    block, x = make(kind).eval(), features()
    assert isinstance(block, LearnedShuffle)
    own = block(x)
    block.set_evaluation_mode(EvaluationMode.SWAPPED)
    assert torch.equal(block(x), own)


def test_swapping_gives_each_image_the_permutation_of_another() -> None:
    block, x = make("dynamic").eval(), features()
    assert isinstance(block, KroneckerMixer)
    own = block.index_map(x)
    block.set_evaluation_mode(EvaluationMode.SWAPPED)
    swapped = block.index_map(x)
    assert sorted(own.tolist()) == sorted(swapped.tolist())
    assert not torch.equal(own, swapped)


@EVERY_BLOCK
def test_a_part_of_the_channels_of_a_channels_last_map_stays_channels_last(kind: str) -> None:
    block = make(kind).eval()
    part = torch.cat((features(), features()), 1).to(memory_format=torch.channels_last).chunk(2, 1)[1]
    torch.manual_seed(0)
    mixed = block(part)
    torch.manual_seed(0)
    torch.testing.assert_close(mixed, block(part.contiguous()))
    assert mixed.stride(1) == 1


@pytest.mark.parametrize("case", ["per_layer", "standardized"])
@pytest.mark.parametrize("kind", GENERATED)
def test_generated_blocks_work_in_bfloat16(kind: str, case: str) -> None:
    block = make(kind, case).eval().bfloat16()
    assert block(features().bfloat16()).dtype is torch.bfloat16
