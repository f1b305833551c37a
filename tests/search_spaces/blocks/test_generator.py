from __future__ import annotations

import pytest
import torch

from search_spaces.blocks.generator import FactorGenerator

GROUPS, N1, N2 = 4, 2, 5
CHANNELS = GROUPS * N1 * N2


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
    generator = FactorGenerator(groups=GROUPS, n1=N1, n2=N2, reduction=8, share=share)
    outer, inner = generator(torch.randn(3, CHANNELS, 2, 2))
    assert outer.shape == (3, groups, N1, N1)
    assert inner.shape == (3, groups, N2, N2)
    assert sum(p.numel() for p in generator.parameters()) == parameters


def test_a_shared_generator_sees_each_groups_own_pooled_features_in_one_call() -> None:
    generator = FactorGenerator(groups=GROUPS, n1=N1, n2=N2, reduction=8, share="generator")
    seen: list[torch.Tensor] = []
    generator.squeeze.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    x = torch.randn(3, CHANNELS, 2, 2)
    generator(x)
    (pooled,) = seen
    torch.testing.assert_close(pooled, x.mean((2, 3)).view(3, GROUPS, CHANNELS // GROUPS))


@pytest.mark.parametrize("share", ["matrices", "generator", "none"])
def test_every_image_begins_with_the_identity(share: str) -> None:
    generator = FactorGenerator(groups=GROUPS, n1=N1, n2=N2, reduction=4, share=share)
    for logits in generator(torch.randn(16, CHANNELS, 4, 4)):
        assert torch.equal(logits.argmax(-1), torch.arange(logits.shape[-1]).expand(logits.shape[:-1]))


def test_logits_are_float32_under_autocast_whatever_the_features() -> None:
    generator = FactorGenerator(groups=GROUPS, n1=N1, n2=N2, reduction=4, share="matrices")
    x = torch.randn(3, CHANNELS, 2, 2)
    with torch.autocast("cpu", torch.bfloat16):
        outer, _ = generator(x)
    assert outer.dtype is torch.float32
    assert torch.equal(outer, generator(x)[0])
