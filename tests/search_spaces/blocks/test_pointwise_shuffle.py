"""The static-dynamic shuffle in the place of a 1x1 convolution; squares of it are also in `test_blocks`."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from module_protocols import EvaluationMode
from search_spaces import compact
from search_spaces.blocks import GeneratorSpec, KroneckerShape, PointwiseSpec, Relaxation, make_pointwise
from search_spaces.blocks.factors.factors import assigned_rows, hard_rows, orthogonality, soft_rows
from search_spaces.blocks.permutations.kronecker_shuffle import dense_matrix
from search_spaces.blocks.permutations.permutation import matrix, shuffle_map
from search_spaces.blocks.pointwise_shuffle import PointwiseShuffle

LAYOUTS = (torch.contiguous_format, torch.channels_last)
SHAPES = {
    "square": KroneckerShape(groups=2, outer=(3, 3), inner=(4, 4)),
    "narrowing": KroneckerShape(groups=2, outer=(2, 3), inner=(3, 4)),
    "widening": KroneckerShape(groups=3, outer=(5, 2), inner=(4, 4)),
    "one_wide_factor": KroneckerShape(groups=1, outer=(6, 3), inner=(4, 4)),
    "outer_first": KroneckerShape(groups=2, outer=(2, 6), inner=(3, 4)),
}
OPTIONS = {
    "plain": {},
    "soft_first": {"relaxation": Relaxation(binarize_from=0.5, temperature=0.5), "kron_rank": 2},
    "per_group": {"generator": GeneratorSpec(reduction=4, share="none")},
    "small_generator": {"generator": GeneratorSpec(reduction=4, share="generator")},
    "assignment": {"relaxation": Relaxation(rounding="assignment")},
    "sinkhorn": {"relaxation": Relaxation(normalizer="sinkhorn", penalty="l1_l2")},
    "factor": {"sum_level": "factor"},
}
EVERY_SHAPE = pytest.mark.parametrize("shape", SHAPES)
EVERY_OPTION = pytest.mark.parametrize("option", OPTIONS)


def untouched(shape: str, option: str = "plain") -> PointwiseShuffle:
    spec = PointwiseSpec(shape=SHAPES[shape], generator=GeneratorSpec(reduction=4), relaxation=Relaxation())
    block = make_pointwise(replace(spec, **OPTIONS[option]))  # type: ignore[arg-type]
    assert isinstance(block, PointwiseShuffle)
    return block


def make(shape: str, option: str = "plain") -> PointwiseShuffle:
    """A block away from its start: maps differ between images and rows collide."""
    block = untouched(shape, option).double()
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.add_(torch.randn_like(parameter))
    return block


def features(shape: str, layout: torch.memory_format = torch.contiguous_format) -> torch.Tensor:
    return torch.randn(4, SHAPES[shape].inputs, 3, 5, dtype=torch.float64).to(memory_format=layout)


def dense(block: PointwiseShuffle, x: torch.Tensor) -> torch.Tensor:
    """The evaluation's matrix of each image."""
    rounded = assigned_rows if block.relaxation.rounding == "assignment" else hard_rows
    factors = [matrix(rounded(torch.softmax(p, -1)), p.shape[-1]).double() for p in block.factor_logits(x)]
    if block.relaxation.normalizer == "sinkhorn":
        factors = [matrix(hard_rows(block.soft_of(p)), p.shape[-1]).double() for p in block.factor_logits(x)]
    weights = list(zip(block.outer_weight, block.inner_weight, strict=True))
    if block.sum_level == "factor":
        ((w1, w2),) = weights
        return dense_matrix(factors[0] + w1, factors[1] + w2, block.groups)
    full = dense_matrix(factors[0], factors[1], block.groups)
    for w1, w2 in weights:
        full = full + dense_matrix(w1[None], w2[None], block.groups)
    return full


@pytest.mark.parametrize("layout", LAYOUTS)
@EVERY_OPTION
@EVERY_SHAPE
def test_evaluation_equals_the_dense_matrix_of_each_image_and_keeps_the_layout(
    shape: str, option: str, layout: torch.memory_format
) -> None:
    block, x = make(shape, option).eval(), features(shape, layout)
    y = block(x)
    assert y.shape == (4, SHAPES[shape].outputs, 3, 5)
    assert y.is_contiguous(memory_format=layout)
    torch.testing.assert_close(y, torch.einsum("bij,bjhw->bihw", dense(block, x), x), rtol=1e-10, atol=1e-10)


@EVERY_OPTION
@EVERY_SHAPE
def test_hard_training_gives_the_values_of_the_evaluation(shape: str, option: str) -> None:
    if option == "sinkhorn":
        pytest.skip("its training is noisy")
    block, x = make(shape, option), features(shape)
    block.set_progress(1.0)
    torch.testing.assert_close(block.train()(x), block.eval()(x), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("share_done", [0.0, 1.0])
@pytest.mark.parametrize("layout", LAYOUTS)
@EVERY_OPTION
@EVERY_SHAPE
def test_training_gives_a_gradient_to_the_input_and_every_parameter(
    shape: str, option: str, layout: torch.memory_format, share_done: float
) -> None:
    block, x = make(shape, option).train(), features(shape, layout).requires_grad_()
    block.set_progress(share_done)
    y = block(x)
    (y * torch.randn_like(y)).sum().backward()
    for name, tensor in (("x", x), *block.named_parameters()):
        assert tensor.grad is not None, name
        assert tensor.grad.isfinite().all(), name
        assert tensor.grad.abs().sum() > 0, name
    assert x.grad is not None
    assert x.grad.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("option", ["plain", "per_group", "factor"])
@EVERY_SHAPE
def test_soft_training_passes_the_numerical_gradient_check(shape: str, option: str) -> None:
    block = make(shape, option).train()
    block.relaxation = Relaxation(binarize_from=1.0)
    block.generator.spec = replace(block.generator.spec, detach=False)  # for the gradient of the whole function
    x = features(shape)[:2, :, :1, :2].requires_grad_()
    assert torch.autograd.gradcheck(block, (x,), fast_mode=True)


@EVERY_OPTION
@EVERY_SHAPE
def test_counted_multiply_adds_are_half_the_flops_that_torch_counts(shape: str, option: str) -> None:
    block, x = untouched(shape, option).eval(), features(shape).float()
    deployed = compact(block)
    with FlopCounterMode(display=False) as counter:
        deployed(x)
    positions = SHAPES[shape].groups if option == "small_generator" else 1
    linear = sum(4 * positions * m.in_features * m.out_features for m in block.modules() if isinstance(m, nn.Linear))
    assert counter.get_total_flops() == 2 * (block.multiply_adds(tuple(x.shape)) + linear)


def test_products_are_done_in_the_cheaper_order() -> None:
    # i = (6, 4), o = (2, 3), two groups: inner first 6 3 (4 + 2) = 108, outer first 2 4 (6 + 3) = 72 multiply-adds a group.
    assert SHAPES["outer_first"].multiply_adds == 2 * 72
    # c (n1 + n2) for squares
    assert SHAPES["square"].multiply_adds == 24 * 7
    assert untouched("outer_first").multiply_adds((3, 48, 5, 7)) == 3 * 35 * 2 * 72


def test_deployed_parameters_are_those_of_the_factors_or_of_the_matrix_of_each_group() -> None:
    # Three groups, 8 channels to 20 of each: a term takes 2 4 (4 + 5) = 72 multiply-adds a group, the matrix 160.
    assert untouched("widening", "soft_first").deployed_parameters() == 2 * (5 * 2 + 4 * 4)
    # Two groups of 12 channels: a term takes 12 (3 + 4) = 84, the matrix 144.
    assert untouched("square").deployed_parameters() == 3 * 3 + 4 * 4
    assert untouched("square", "soft_first").deployed_parameters() == 2 * 144


@EVERY_SHAPE
def test_built_on_the_meta_device_it_evaluates_there(shape: str) -> None:
    with torch.device("meta"):
        block = untouched(shape).eval()
    assert block(features(shape).float().to("meta")).shape == (4, SHAPES[shape].outputs, 3, 5)


@EVERY_SHAPE
def test_penalty_is_that_of_the_factors_with_no_more_rows_than_columns(shape: str) -> None:
    block, x = make(shape).train(), features(shape)
    block(x)
    logits = [p for p in block.factor_logits(x) if p.shape[-2] <= p.shape[-1]]
    expected = torch.stack([orthogonality(soft_rows(p, 1.0)) for p in logits]).mean()
    torch.testing.assert_close(block.penalty(), expected)


def test_penalty_of_wide_factors_alone_is_zero() -> None:
    spec = PointwiseSpec(
        shape=KroneckerShape(groups=1, outer=(4, 2), inner=(6, 3)), generator=GeneratorSpec(), relaxation=Relaxation()
    )
    block = make_pointwise(spec).train()
    block(torch.randn(2, 6, 3, 3))
    assert torch.equal(block.penalty(), torch.zeros(()))  # type: ignore[operator]


@EVERY_SHAPE
def test_statistics_are_of_the_maps_of_the_last_evaluation(shape: str) -> None:
    block, x, sizes = make(shape).eval(), features(shape) * 5, SHAPES[shape]
    block(x)
    outer, inner = (logits.argmax(-1) for logits in block.factor_logits(x))
    maps = shuffle_map(outer, inner, sizes.groups, sizes.columns).tolist()
    found = block.statistics()
    distinct = [len(set(each)) for each in maps]
    pairs = [(a, b) for k, a in enumerate(maps) for b in maps[:k]]
    differing = [sum(p != q for p, q in zip(a, b, strict=True)) / sizes.outputs for a, b in pairs]
    assert found["valid"] == sum(d == min(sizes.inputs, sizes.outputs) for d in distinct) / len(maps)
    assert found["coverage"] == pytest.approx(sum(distinct) / len(maps) / sizes.inputs)
    assert found["disagreement"] == pytest.approx(sum(differing) / len(differing))


@EVERY_SHAPE
def test_the_start_is_valid_and_the_same_for_every_image(shape: str) -> None:
    block = untouched(shape).eval()
    block(features(shape).float())
    found = block.statistics()
    assert (found["valid"], found["disagreement"]) == (1.0, 0.0)
    assert found["coverage"] == pytest.approx(min(1.0, SHAPES[shape].outputs / SHAPES[shape].inputs))


@pytest.mark.parametrize("shape", ["narrowing", "widening", "one_wide_factor"])
def test_projected_maps_are_valid_where_hard_ones_collide(shape: str) -> None:
    block, x = make(shape).eval(), features(shape)
    block(x)
    assert block.statistics()["valid"] < 1
    block.set_evaluation_mode(EvaluationMode.PROJECTED)
    block(x)
    assert block.statistics()["valid"] == 1


@pytest.mark.parametrize("rank", [1, 4])
def test_the_static_part_begins_variance_preserving_whatever_its_rank(rank: int) -> None:
    torch.manual_seed(0)
    shape = KroneckerShape(groups=1, outer=(16, 8), inner=(24, 12))
    variances = []
    for _ in range(20):
        block = make_pointwise(
            PointwiseSpec(shape=shape, generator=GeneratorSpec(), relaxation=Relaxation(), kron_rank=rank)
        )
        assert isinstance(block, PointwiseShuffle)
        terms = zip(block.outer_weight, block.inner_weight, strict=True)
        summed = torch.stack([dense_matrix(w1[None], w2[None], 1) for w1, w2 in terms]).sum(0)
        variances.append(summed.square().mean() * shape.inputs)
    assert torch.stack(variances).mean().item() == pytest.approx(1.0, abs=0.1)


@EVERY_OPTION
def test_after_a_training_step_it_can_still_be_copied_and_pickled(option: str) -> None:
    block, x = make("narrowing", option).train(), features("narrowing")
    block(x)
    for twin in (copy.deepcopy(block), pickle.loads(pickle.dumps(block))):  # noqa: S301
        assert torch.equal(twin.eval()(x), block.eval()(x))


def test_no_tensor_of_the_size_of_the_convolutions_weight_times_the_batch_is_made() -> None:
    # 8 images, 1024 channels to 512 at 2 positions: the dense maps would have 4 million entries, a feature map has 16,384.
    shape = KroneckerShape(groups=1, outer=(16, 32), inner=(32, 32))
    for level in ("full", "factor"):
        block = make_pointwise(
            PointwiseSpec(shape=shape, generator=GeneratorSpec(), relaxation=Relaxation(), sum_level=level)
        )
        largest = 0
        with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t), _Sizes() as sizes:
            block.train()(torch.randn(8, 1024, 1, 2, requires_grad=True)).sum().backward()
            largest = sizes.largest
        assert largest <= 8 * 1024 * 32


class _Sizes(torch.utils._python_dispatch.TorchDispatchMode):
    """Notes the largest tensor that any operation returns."""

    largest = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in result if isinstance(result, tuple | list) else (result,):
            if isinstance(value, torch.Tensor):
                self.largest = max(self.largest, value.numel())
        return result
