"""Two genotypes have one digest exactly when they mean the same network and training.

What a genotype means is found here without the space's own resolution: mixers are built from the raw decisions, none erased, and
two networks are the same if the same weights give the same outputs and penalties at every stage of the training.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from module_protocols import LearnedShuffle, PhasedTraining
from nas.dimensions import Scalar
from search_spaces import SPACES, space_settings
from search_spaces.blocks import (
    BLOCKS,
    GeneratorSpec,
    KroneckerShape,
    MixerSpec,
    PointwiseSpec,
    Relaxation,
    make_pointwise,
)
from search_spaces.grouping.conversion import learn_groups
from search_spaces.hosts.host import Host
from search_spaces.reconstruction.pruning import rebuild_filters
from search_spaces.shuffle_space import ShuffleSpace
from tests.search_spaces.genotypes import draw, draw_value

PHASED_EPOCHS = 8
"""So many that groups are learned, with a penalty, decided and kept."""
Meaning = tuple[tuple[torch.Tensor, ...], tuple[float, ...]]
SETTINGS = {
    # 0.5 and 0.51 give the same channels with groups of 8, others with none of the rest.
    "shufflenet_v1": space_settings(
        name="shufflenet_v1", widths=(0.5, 0.51, 0.6), conv_groups=(1, 8), units=((1, 2), (1,), (1,))
    ),
    # One unit has no branch of stride 1; halves of 6 and 12 channels have no or few factors.
    "shufflenet_v2": space_settings(
        name="shufflenet_v2",
        widths=(12, 24),
        units=((1, 2), (1,), (2,)),
        convolutions=("dense", "static_dynamic"),
        sum_levels=("full", "factor"),
        mixers=("fixed", "static", "static_full", "static_matrix", "dynamic", "static_dynamic"),
    ),
    # 0.25 and 0.26 give the same channels; at 0.25 groups of 4 divide every bottleneck into single channels, 8 do not divide.
    "resnet_cifar": space_settings(
        name="resnet_cifar",
        widths=(0.25, 0.26, 0.5),
        units=((1, 2), (1,), (1,)),
        conv_groups=(2, 4, 8),
        sum_levels=("full", "factor"),
        mixers=("none", "fixed", "static", "dynamic", "static_dynamic"),
        rebuilt_shares=(0.25, 0.5),
        filter_groups=(1, 2),
        least_templates=(4, 8),
    ),
    # No convolution of the first stage has more filters than the most templates.
    "resnet50": space_settings(
        name="resnet50",
        widths=(0.125,),
        units=((1,), (1,), (1,), (1,)),
        conv_groups=(2, 4),
        sum_levels=("full", "factor"),
        mixers=("fixed", "static", "dynamic"),
        rebuilt_shares=(0.25, 0.5),
        filter_groups=(1, 2),
        least_templates=(4, 32),
    ),
    "vgg16": space_settings(
        name="vgg16",
        widths=(0.125, 0.13),
        units=((1,), (1,), (1, 2), (1,), (1,)),
        conv_groups=(2, 4),
        sum_levels=("full", "factor"),
        mixers=("fixed", "static", "dynamic"),
        rebuilt_shares=(0.25, 0.5),
        filter_groups=(1, 2),
        least_templates=(4, 8),
    ),
    "densenet_cifar": space_settings(
        name="densenet_cifar",
        widths=(4, 8),
        units=((1, 2), (2,), (2,)),
        conv_groups=(2, 4),
        sum_levels=("full", "factor"),
        mixers=("fixed", "static", "dynamic"),
        rebuilt_shares=(0.25, 0.5),
        filter_groups=(1, 2),
        least_templates=(4, 8),
    ),
    "mobilenet_v2": space_settings(
        name="mobilenet_v2",
        widths=(0.2, 0.25),
        units=((1, 2), (1,), (1, 2), (1,)),
        conv_groups=(2, 4),
        sum_levels=("full", "factor"),
        mixers=("fixed", "static", "squeeze_excitation", "dynamic", "static_dynamic"),
    ),
}


def pairs_of(n: int) -> list[tuple[int, int]]:
    found = [(a, n // a) for a in range(2, 33) if n % a == 0 and 2 <= n // a <= 32]
    return sorted(found, key=lambda pair: (abs(math.log(pair[0] / pair[1])).__round__(9), pair[0]))


def groups_of(channels: int, host: int) -> list[int]:
    legal = [g for g in range(1, channels) if channels % g == 0 and pairs_of(channels // g)]
    return sorted(legal, key=lambda g: (round(abs(math.log(g / host)), 9), g))


def shapes_of(inputs: int, outputs: int) -> list[list[KroneckerShape]]:
    """Of each offered group count the pairs of factors, neither widening where the other narrows, in the order of ranks."""
    found: list[list[KroneckerShape]] = []
    for g in range(1, min(inputs, outputs)):
        if inputs % g or outputs % g:
            continue
        pairs = [
            (abs(i1 - i2) + abs(o1 - o2), i1, o1, KroneckerShape(groups=g, outer=(o1, i1), inner=(o2, i2)))
            for (i1, i2), (o1, o2) in itertools.product(pairs_of(inputs // g), pairs_of(outputs // g))
            if (o1 - i1) * (o2 - i2) >= 0
        ]
        if pairs:
            found.append([shape for *_, shape in sorted(pairs, key=lambda pair: pair[:3])])
    return found[:3]


def at(legal: list[Any], rank: Scalar) -> Any:
    return legal[min(int(rank), len(legal) - 1)]  # type: ignore[arg-type]


def literal_network(space: ShuffleSpace, genotype: Mapping[str, Scalar]) -> nn.Module:
    """The network of the raw decisions: nothing erased, ranks counted anew."""
    unchanged = {"convolution": "dense", "mixer": "fixed"}
    host = space.build(space.decode({k: unchanged.get(k.rpartition(".")[2], v) for k, v in genotype.items()}))
    relaxation = Relaxation(
        temperature=float(genotype["temperature"]),  # type: ignore[arg-type]
        binarize_from=float(genotype["binarize_from"]),  # type: ignore[arg-type]
    )
    for k in range(1, len(host.stages) + 1):
        raw = {name.partition(".")[2]: value for name, value in genotype.items() if name.startswith(f"stage{k}.")}
        host_groups = int(genotype.get("conv_groups", 2))  # type: ignore[arg-type]
        kind = raw.get("convolution", "dense")
        if kind == "grouped":
            host_groups = dividing(host, k - 1, space.settings()["conv_groups"], int(raw["conv_groups"]))  # type: ignore[arg-type]
        host.replace_convolutions(k - 1, partial(literal_convolution, raw, relaxation, host_groups))
        if kind == "grouped" or space.name.startswith("shufflenet"):
            host.replace_mixers(k - 1, partial(literal_mixer, raw, relaxation, host_groups))
        if kind == "learned_groups":
            target, step = 1 - 1 / int(raw["learned_groups"]), float(genotype["sparsity_step"])  # type: ignore[arg-type]
            learn_groups(host, target=target, step=step, stages=(k - 1,))
        if kind == "reconstructed":
            literal_rebuilding(host, k - 1, raw)
    return host


def literal_rebuilding(host: Host, stage: int, raw: Mapping[str, Scalar]) -> None:
    """Lets filters be rebuilt, if a convolution of the stage has more of them than it keeps as templates."""
    share, least = float(raw["rebuilt"]), int(raw["least_templates"])  # type: ignore[arg-type]
    dense = [m for m in host.stages[stage].modules() if isinstance(m, nn.Conv2d) and m.groups == 1]
    if any(m.out_channels > least for m in dense):
        rebuild_filters(
            host,
            share=share,
            groups=int(raw["filter_groups"]),  # type: ignore[arg-type]
            family=str(raw["transformation"]),
            least_templates=least,
            stages=(stage,),
        )


def dividing(host: Host, stage: int, offered: list[int], wanted: int) -> int:
    """The largest offered group count, at most the wanted one, that divides the channels of every 1x1 convolution."""
    seen: list[nn.Conv2d] = []

    def note(convolution: nn.Conv2d) -> nn.Module:
        seen.append(convolution)
        return convolution

    host.replace_convolutions(stage, note)
    channels = {c for each in seen for c in (each.in_channels, each.out_channels)}
    return max(g for g in offered if g <= wanted and all(c % g == 0 for c in channels))


def literal_convolution(
    raw: Mapping[str, Scalar], relaxation: Relaxation, host_groups: int, convolution: nn.Conv2d
) -> nn.Module:
    inputs, outputs = convolution.in_channels, convolution.out_channels
    side, stride = convolution.kernel_size[0], convolution.stride[0]
    if raw.get("convolution") == "grouped":
        return nn.Conv2d(inputs, outputs, side, stride, side // 2, groups=host_groups, bias=False)
    legal = shapes_of(inputs, outputs)
    if raw.get("convolution", "dense") != "static_dynamic" or not legal:
        return convolution
    shuffle = make_pointwise(
        PointwiseSpec(
            shape=at(at(legal, raw["group_rank"]), raw["pair_rank"]),
            generator=literal_generator(raw),
            relaxation=relaxation,
            kron_rank=1 if raw["sum_level"] == "factor" else int(raw["kron_rank"]),  # type: ignore[arg-type]
            sum_level=str(raw["sum_level"]),
        )
    )
    if side == 1:
        return shuffle
    depthwise = nn.Conv2d(inputs, inputs, side, stride, side // 2, groups=inputs, bias=False)
    return nn.Sequential(depthwise, nn.BatchNorm2d(inputs), shuffle)


def literal_mixer(raw: Mapping[str, Scalar], relaxation: Relaxation, host_groups: int, channels: int) -> nn.Module:
    kind, sum_level = str(raw["mixer"]), str(raw.get("sum_level", "full"))
    groups = at(groups_of(channels, host_groups)[:3], raw["group_rank"])
    n1, n2 = at(pairs_of(channels // groups), raw["pair_rank"])
    by_factors = sum_level == "factor" and kind == "static_dynamic"
    return BLOCKS[kind](
        MixerSpec(
            channels=channels,
            host_groups=host_groups,
            groups=groups,
            n1=n1,
            n2=n2,
            generator=literal_generator(raw),
            relaxation=relaxation,
            kron_rank=1 if by_factors else int(raw["kron_rank"]),  # type: ignore[arg-type]
            sum_level=sum_level,
        )
    )


def literal_generator(raw: Mapping[str, Scalar]) -> GeneratorSpec:
    return GeneratorSpec(reduction=int(raw["reduction"]), share=str(raw["share"]))  # type: ignore[arg-type]


def fill(model: nn.Module) -> nn.Module:
    """Weights that depend on their position and shape alone; large enough for the logits of different inputs to differ."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.double().parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.5)
    return model


def meaning(model: nn.Module, genotype: Mapping[str, Scalar]) -> Meaning:
    mixers = [module for module in fill(model).modules() if isinstance(module, LearnedShuffle)]
    x = torch.randn(3, 1, 16, 16, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    seen: list[torch.Tensor] = [torch.tensor(sum(p.numel() for p in model.parameters()), dtype=torch.float64)]
    for done in (0.0, 0.3, 0.6):
        for mixer in mixers:
            mixer.set_progress(done)
        seen += [model.train()(x).detach(), *(mixer.penalty().detach() for mixer in mixers)]
    seen.append(model.eval()(x).detach())
    for part in [module for module in model.modules() if isinstance(module, PhasedTraining)]:
        for epoch in range(PHASED_EPOCHS):
            part.epoch_begins(epoch, PHASED_EPOCHS)
            seen += [model.eval()(x).detach(), torch.as_tensor(part.penalty()).detach().double()]
            part.epoch_ends(epoch, PHASED_EPOCHS)
    training = ["lr", "weight_decay", *(["orth_weight"] if mixers else [])]
    return tuple(seen), tuple(float(genotype[name]) for name in training)  # type: ignore[arg-type]


def same(a: Meaning, b: Meaning) -> bool:
    return (
        a[1] == b[1]
        and len(a[0]) == len(b[0])
        and all(torch.allclose(x, y, rtol=1e-6, atol=1e-8) for x, y in zip(a[0], b[0], strict=True))
    )


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name.startswith("shufflenet") else pytest.mark.slow) for name in sorted(SPACES)],
)
def test_digests_are_equal_exactly_when_networks_and_training_are(name: str) -> None:
    space = SPACES[name]()(SETTINGS[name], image_size=16, channels=1, classes=3)
    assert isinstance(space, ShuffleSpace)
    rng = random.Random(1)
    equal = different = 0
    for dimension, _ in itertools.product(space.dimensions, range(3)):
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
    assert equal > 10
    assert different > 10


def digests(decision: str, values: tuple[Scalar, ...], **others: Scalar) -> list[str]:
    """Of the dynamic mixer in stage 1 of ShuffleNetV2 with 24 channels, for each value of a decision of that stage."""
    space = SPACES["shufflenet_v2"]()(space_settings(widths=(24, 48)), image_size=8, channels=1, classes=3)
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
    space = SPACES["shufflenet_v2"]()(space_settings(lr=(0.5, 2.0)), image_size=8, channels=1, classes=3)
    genotype = draw(space, random.Random(0))
    assert space.decode({**genotype, "lr": 1}).digest == space.decode({**genotype, "lr": 1.0}).digest


def test_every_way_to_say_fixed_has_one_digest() -> None:
    settings = space_settings(widths=(12, 24), units=((1, 2), (1,), (1,)))
    space = SPACES["shufflenet_v2"]()(settings, image_size=8, channels=1, classes=3)
    rng = random.Random(2)
    kept = {"width": 12, "stage1.units": 1, "lr": 0.1, "weight_decay": 1e-4}
    fixed = {f"stage{k}.mixer": "fixed" for k in (1, 2, 3)}
    candidates = [space.decode({**draw(space, rng), **kept, **fixed}) for _ in range(20)]
    assert len({candidate.digest for candidate in candidates}) == 1
    assert set(candidates[0].decisions) == {
        *("width", "lr", "weight_decay"),
        *(f"stage{k}.{key}" for k in (1, 2, 3) for key in ("units", "mixer")),
    }
