"""Two genotypes have one digest exactly when they mean the same network and training.

What a genotype means is found here without the space's own resolution: mixers are built from the raw decisions, none erased, and
two networks are the same if the same weights give the same outputs and penalties at every stage of the training.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping

import pytest
import torch
from torch import nn

from nas.dimensions import Scalar
from nas.ports import LearnedShuffle
from search_spaces import SPACES, SpaceSettings
from search_spaces.blocks import BLOCKS, GeneratorSpec, MixerSpec, Relaxation
from search_spaces.shuffle_space import ShuffleSpace
from tests.search_spaces.genotypes import draw, draw_value

Meaning = tuple[tuple[torch.Tensor, ...], tuple[float, ...]]
SETTINGS = {
    # 0.5 and 0.51 give the same channels with groups of 8, others with none of the rest.
    "shufflenet_v1": SpaceSettings(
        name="shufflenet_v1", widths=(0.5, 0.51, 0.6), conv_groups=(1, 8), units=((1, 2), (1,), (1,))
    ),
    "shufflenet_v2": SpaceSettings(name="shufflenet_v2", widths=(12, 24), units=((1, 2), (1,), (1,))),
}


def pairs_of(n: int) -> list[tuple[int, int]]:
    found = [(a, n // a) for a in range(2, 33) if n % a == 0 and 2 <= n // a <= 32]
    return sorted(found, key=lambda pair: (abs(math.log(pair[0] / pair[1])).__round__(9), pair[0]))


def groups_of(channels: int, host: int) -> list[int]:
    legal = [g for g in range(1, channels) if channels % g == 0 and pairs_of(channels // g)]
    return sorted(legal, key=lambda g: (round(abs(math.log(g / host)), 9), g))


def literal_network(space: ShuffleSpace, genotype: Mapping[str, Scalar]) -> nn.Module:
    """The network of the raw decisions: nothing erased, ranks counted anew."""
    host = space.build(space.decode({**genotype, **{f"stage{k}.mixer": "fixed" for k in (1, 2, 3)}}))
    shape = space.shape(genotype)
    for k, channels in enumerate(shape.mixer_channels, start=1):
        kind = str(genotype[f"stage{k}.mixer"])
        legal = groups_of(channels, shape.groups)[:3]
        groups = legal[min(int(genotype[f"stage{k}.group_rank"]), len(legal) - 1)]  # type: ignore[arg-type]
        pairs = pairs_of(channels // groups)
        n1, n2 = pairs[min(int(genotype[f"stage{k}.pair_rank"]), len(pairs) - 1)]  # type: ignore[arg-type]
        spec = MixerSpec(
            channels=channels,
            host_groups=shape.groups,
            groups=groups,
            n1=n1,
            n2=n2,
            generator=GeneratorSpec(
                reduction=int(genotype[f"stage{k}.reduction"]),  # type: ignore[arg-type]
                share=str(genotype[f"stage{k}.share"]),
            ),
            relaxation=Relaxation(
                temperature=float(genotype["temperature"]),  # type: ignore[arg-type]
                binarize_from=float(genotype["binarize_from"]),  # type: ignore[arg-type]
            ),
            kron_rank=int(genotype[f"stage{k}.kron_rank"]),  # type: ignore[arg-type]
        )
        for unit in host.stages[k - 1].children():
            unit.mixer = BLOCKS[kind](spec)
    return host


def fill(model: nn.Module) -> nn.Module:
    """Weights that depend on their position and shape alone; large enough for the logits of different inputs to differ."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.double().parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.5)
    return model


def meaning(model: nn.Module, genotype: Mapping[str, Scalar]) -> Meaning:
    mixers = [module for module in fill(model).modules() if isinstance(module, LearnedShuffle)]
    x = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    seen: list[torch.Tensor] = [torch.tensor(sum(p.numel() for p in model.parameters()), dtype=torch.float64)]
    for done in (0.0, 0.3, 0.6):
        for mixer in mixers:
            mixer.set_progress(done)
        seen += [model.train()(x).detach(), *(mixer.penalty().detach() for mixer in mixers)]
    seen.append(model.eval()(x).detach())
    training = ["lr", "weight_decay", *(["orth_weight"] if mixers else [])]
    return tuple(seen), tuple(float(genotype[name]) for name in training)  # type: ignore[arg-type]


def same(a: Meaning, b: Meaning) -> bool:
    return (
        a[1] == b[1]
        and len(a[0]) == len(b[0])
        and all(torch.allclose(x, y, rtol=1e-6, atol=1e-8) for x, y in zip(a[0], b[0], strict=True))
    )


@pytest.mark.parametrize("name", sorted(SPACES))
def test_digests_are_equal_exactly_when_networks_and_training_are(name: str) -> None:
    space = SPACES[name]()(SETTINGS[name], image_size=8, channels=1, classes=3)
    rng = random.Random(1)
    equal = different = 0
    for dimension, _ in itertools.product(space.dimensions, range(4)):
        genotype = draw(space, rng)
        other = {**genotype, dimension.name: draw_value(dimension, rng)}
        if other == genotype:
            continue
        first, second = (space.decode(g) for g in (genotype, other))
        meanings = [meaning(literal_network(space, g), g) for g in (genotype, other)]
        assert same(meanings[0], meaning(space.build(first), genotype)), genotype
        assert (first.digest == second.digest) == same(*meanings), (dimension.name, genotype, other)
        equal += first.digest == second.digest
        different += first.digest != second.digest
    assert equal > 15
    assert different > 15


def digests(decision: str, values: tuple[Scalar, ...], **others: Scalar) -> list[str]:
    """Of the dynamic mixer in stage 1 of ShuffleNetV2 with 24 channels, for each value of a decision of that stage."""
    space = SPACES["shufflenet_v2"]()(SpaceSettings(widths=(24, 48)), image_size=8, channels=1, classes=3)
    rest = {**draw(space, random.Random(3)), "width": 24, "stage1.mixer": "dynamic", "stage1.share": "matrices"}
    rest |= {f"stage1.{name}": value for name, value in others.items()}
    return [space.decode({**rest, f"stage1.{decision}": value}).digest for value in values]


def test_what_groups_share_has_no_effect_for_one_group_alone() -> None:
    shares = ("matrices", "generator", "none")
    assert groups_of(24, 2)[:3] == [2, 3, 1]
    assert len(set(digests("share", shares, group_rank=2))) == 1
    assert len(set(digests("share", shares, group_rank=0, reduction=4))) == 3


def test_reductions_below_the_floor_of_four_hidden_units_are_one() -> None:
    four, eight, sixteen = digests("reduction", (4, 8, 16))  # 24 channels: 6, 3 and 1 units before the floor
    assert four != eight == sixteen
    assert len(set(digests("reduction", (4, 8, 16), share="generator", group_rank=0))) == 1


def test_ranks_beyond_the_last_pair_are_one() -> None:
    assert pairs_of(12) == [(3, 4), (4, 3), (2, 6), (6, 2)]
    assert len(set(digests("pair_rank", (0, 1, 2, 3), group_rank=0))) == 4
    assert pairs_of(8) == [(2, 4), (4, 2)]
    found = digests("pair_rank", (0, 1, 2, 3), group_rank=1)
    assert found[0] != found[1] == found[2] == found[3]


def test_a_whole_number_given_as_an_integer_is_the_same_rate() -> None:
    space = SPACES["shufflenet_v2"]()(SpaceSettings(lr=(0.5, 2.0)), image_size=8, channels=1, classes=3)
    genotype = draw(space, random.Random(0))
    assert space.decode({**genotype, "lr": 1}).digest == space.decode({**genotype, "lr": 1.0}).digest


def test_every_way_to_say_fixed_has_one_digest() -> None:
    space = SPACES["shufflenet_v2"]()(SETTINGS["shufflenet_v2"], image_size=8, channels=1, classes=3)
    rng = random.Random(2)
    kept = {"width": 12, "stage1.units": 1, "lr": 0.1, "weight_decay": 1e-4}
    fixed = {f"stage{k}.mixer": "fixed" for k in (1, 2, 3)}
    candidates = [space.decode({**draw(space, rng), **kept, **fixed}) for _ in range(20)]
    assert len({candidate.digest for candidate in candidates}) == 1
    assert set(candidates[0].decisions) == {
        *("width", "lr", "weight_decay"),
        *(f"stage{k}.{key}" for k in (1, 2, 3) for key in ("units", "mixer")),
    }
