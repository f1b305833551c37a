from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from search_spaces.blocks.factors.generator import FactorGenerator
from search_spaces.blocks.spec import GeneratorSpec, KroneckerShape

GROUPS, N1, N2 = 4, 2, 5
CHANNELS = GROUPS * N1 * N2
SHAPE = KroneckerShape.square(GROUPS, N1, N2)


@pytest.mark.parametrize(
    ("share", "groups", "parameters"),
    [
        # (inputs + 1) hidden + (hidden + 1) pairs (n1^2 + n2^2), hidden = max(inputs // 8, 4)
        ("matrices", 1, 41 * 5 + 6 * 29),
        ("generator", GROUPS, 11 * 4 + 5 * 29),
        ("none", GROUPS, 41 * 5 + 6 * 4 * 29),
    ],
)
def test_what_is_shared_sets_the_shape_of_the_logits_and_the_parameters(
    share: str, groups: int, parameters: int
) -> None:
    generator = FactorGenerator(SHAPE, GeneratorSpec(reduction=8, share=share))
    outer, inner = generator(torch.randn(3, CHANNELS, 2, 2))
    assert outer.shape == (3, groups, N1, N1)
    assert inner.shape == (3, groups, N2, N2)
    assert sum(p.numel() for p in generator.parameters()) == parameters


def test_a_shared_generator_sees_each_groups_own_pooled_features_in_one_call() -> None:
    generator = FactorGenerator(SHAPE, GeneratorSpec(reduction=8, share="generator"))
    seen: list[torch.Tensor] = []
    generator.squeeze.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    x = torch.randn(3, CHANNELS, 2, 2)
    generator(x)
    (pooled,) = seen
    torch.testing.assert_close(pooled, x.mean((2, 3)).view(3, GROUPS, CHANNELS // GROUPS))


@pytest.mark.parametrize("share", ["matrices", "generator", "none"])
def test_every_image_begins_with_the_identity(share: str) -> None:
    generator = FactorGenerator(SHAPE, GeneratorSpec(reduction=4, share=share))
    for logits in generator(torch.randn(16, CHANNELS, 4, 4)):
        assert torch.equal(logits.argmax(-1), torch.arange(logits.shape[-1]).expand(logits.shape[:-1]))


def test_logits_are_float32_under_autocast_whatever_the_features() -> None:
    generator = FactorGenerator(SHAPE, GeneratorSpec(reduction=4, share="matrices"))
    x = torch.randn(3, CHANNELS, 2, 2)
    with torch.autocast("cpu", torch.bfloat16):
        outer, _ = generator(x)
    assert outer.dtype is torch.float32
    assert torch.equal(outer, generator(x)[0])


def test_standardized_features_tell_images_apart_that_differ_little_beside_their_mean() -> None:
    torch.manual_seed(0)
    spec = GeneratorSpec(reduction=4, spread=2.0)
    near = 10 + 0.01 * torch.randn(64, CHANNELS, 1, 1)
    rows = {}
    for standardize in (False, True):
        generator = FactorGenerator(SHAPE, replace(spec, standardize=standardize)).train()
        rows[standardize] = len({tuple(each) for each in generator(near)[1].argmax(-1).flatten(1).tolist()})
    assert rows[False] == 1 < rows[True]


def test_a_constant_source_gives_one_pair_whatever_the_images_and_learns_its_input() -> None:
    generator = FactorGenerator(SHAPE, GeneratorSpec(reduction=4, source="constant"))
    first, other = (generator(torch.randn(5, CHANNELS, 2, 2))[0] for _ in range(2))
    assert first.shape == (1, 1, N1, N1)
    assert torch.equal(first, other)
    first.sum().backward()
    assert generator.constant is not None
    assert generator.constant.grad is not None
