"""The contract of every search space."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping

import pytest
import torch

from module_protocols import LearnedShuffle
from nas.candidate import Candidate
from nas.dimensions import Scalar
from nas.errors import SpaceError
from nas.space import SearchSpace
from search_spaces import SPACES, SpaceSettings, make_space, space_from_json, space_settings
from search_spaces.architecture import integer
from search_spaces.blocks.pointwise_shuffle import PointwiseShuffle
from search_spaces.shuffle_space import ShuffleSpace
from tests.search_spaces.any_space import changed, published_units
from tests.search_spaces.genotypes import draw

EVERY_SPACE = pytest.mark.parametrize("name", sorted(SPACES))
SMALL: dict[str, dict[str, object]] = {
    "shufflenet_v1": {"widths": (0.25, 0.5), "units": ((1, 2), (1,), (1, 2))},
    "shufflenet_v2": {
        "widths": (16, 24),
        "units": ((1, 2), (1,), (1, 2)),
        "convolutions": ("dense", "static_dynamic"),
    },
    "resnet_cifar": {"widths": (0.25, 0.5), "units": ((1, 2), (1,), (1, 2))},
    "mobilenet_v2": {"widths": (0.25, 0.3), "units": ((1, 2), (1,), (1, 2), (2,))},
    "resnet50": {"widths": (0.125, 0.25), "units": ((1, 2), (1,), (1, 2), (1,))},
    "vgg16": {"widths": (0.125, 0.25), "units": ((1,), (1,), (1, 2), (1,), (1,))},
    "densenet_cifar": {"widths": (4, 8), "units": ((1, 2), (1,), (1, 2))},
}
"""Settings with which tests are quick, where the usual widths would not be."""
ALWAYS_MIXING = ("shufflenet_v1", "shufflenet_v2")
"""Spaces whose every stage has a mixer; in the others grouped stages have one."""


def stages_of(space: SearchSpace) -> range:
    return range(1, len(space.settings()["units"]) + 1)


def small_space(name: str, **changes: object) -> SearchSpace:
    small = SMALL.get(name, {"units": ((1, 2),) * len(published_units(name))})
    settings = space_settings(name=name, **{**small, **changes})
    return make_space(settings, image_size=8, channels=1, classes=7)


def with_mixers(space: SearchSpace, genotype: Mapping[str, Scalar], mixers: Mapping[int, str]) -> dict[str, Scalar]:
    """The genotype with mixers in these stages, between grouped convolutions where the host has none otherwise."""
    names = {dimension.name for dimension in space.dimensions}
    chosen: dict[str, Scalar] = {f"stage{stage}.mixer": mixer for stage, mixer in mixers.items()}
    if space.name not in ALWAYS_MIXING:
        chosen |= {f"stage{stage}.convolution": "grouped" for stage in mixers}
    return {**genotype, **{name: value for name, value in chosen.items() if name in names}}


def drawn(space: SearchSpace, count: int) -> list[Candidate]:
    rng = random.Random(0)
    return [space.decode(draw(space, rng)) for _ in range(count)]


@EVERY_SPACE
def test_default_space_has_twenty_to_eighty_decisions_of_plain_values(name: str) -> None:
    space = make_space(space_settings(name=name), image_size=32, channels=3, classes=10)
    names = [dimension.name for dimension in space.dimensions]
    assert 20 <= len(names) <= 80
    assert len(set(names)) == len(names)
    assert json.loads(json.dumps(draw(space, random.Random(0)))) == draw(space, random.Random(0))


@EVERY_SPACE
def test_candidate_through_json_keeps_its_digest_and_its_network(name: str) -> None:
    space = small_space(name)
    for candidate in drawn(space, 30):
        again = Candidate.from_json(json.loads(json.dumps(candidate.to_json())))
        assert again == candidate
        assert again.digest == candidate.digest


@EVERY_SPACE
def test_space_through_json_decodes_alike(name: str) -> None:
    space = small_space(name)
    again = space_from_json(json.loads(json.dumps(space.settings())))
    assert again.settings() == space.settings()
    assert again.dimensions == space.dimensions
    assert drawn(again, 30) == drawn(space, 30)


@EVERY_SPACE
def test_every_network_trains_and_evaluates_with_a_gradient_to_every_parameter(name: str) -> None:
    space = small_space(name)
    for candidate in drawn(space, 8):
        model = space.build(candidate)
        for module in model.modules():
            if isinstance(module, LearnedShuffle):
                module.set_progress(1.0)
        logits = model.train()(torch.randn(5, 1, 8, 8).to(memory_format=torch.channels_last))
        assert logits.shape == (5, 7)
        penalties = [module.penalty() for module in model.modules() if isinstance(module, LearnedShuffle)]
        (torch.nn.functional.cross_entropy(logits, torch.arange(5)) + sum(penalties)).backward()
        for parameter_name, parameter in model.named_parameters():
            assert parameter.grad is not None, parameter_name
            assert parameter.grad.isfinite().all(), parameter_name
        x = torch.randn(2, 1, 8, 8)
        assert torch.equal(model.eval()(x), model(x))


@EVERY_SPACE
def test_the_state_of_a_network_fits_another_one_of_the_same_candidate(name: str) -> None:
    space, x = small_space(name), torch.randn(2, 1, 8, 8)
    for candidate in drawn(space, 4):
        model, other = space.build(candidate).eval(), space.build(candidate).eval()
        other.load_state_dict(model.state_dict())
        assert torch.equal(model(x), other(x))


@EVERY_SPACE
def test_every_network_can_be_built_and_evaluated_on_the_meta_device(name: str) -> None:
    space = small_space(name)
    for candidate in drawn(space, 8):
        with torch.device("meta"):
            model = space.build(candidate).eval()
        assert {parameter.device.type for parameter in model.parameters()} == {"meta"}
        assert model(torch.empty(1, 1, 8, 8, device="meta")).shape == (1, 7)


@EVERY_SPACE
def test_the_same_seed_gives_the_same_network(name: str) -> None:
    space = small_space(name)
    (candidate,) = drawn(space, 1)
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(space.build(candidate).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


@EVERY_SPACE
def test_candidates_of_the_same_host_begin_with_the_same_host_weights(name: str) -> None:
    space = small_space(name)
    genotype = next(iter(space.baselines().values()))
    hosts = []
    for mixer in ("fixed", "static_full", "static_dynamic"):
        torch.manual_seed(3)
        model = space.build(space.decode(with_mixers(space, genotype, {1: mixer, 3: mixer})))
        hosts.append({key: value for key, value in model.state_dict().items() if ".mixer." not in key})
    for other in hosts[1:]:
        # The first has a mixer without state, so what it has is the host's.
        assert all(torch.equal(other[key], hosts[0][key]) for key in hosts[0])


@EVERY_SPACE
def test_baselines_are_the_unchanged_networks_with_published_units(name: str) -> None:
    published = list(published_units(name))
    kind, unchanged = ("mixer", "fixed") if name in ALWAYS_MIXING else ("convolution", "dense")
    space = make_space(space_settings(name=name), image_size=32, channels=3, classes=10)
    baselines = space.baselines()
    assert 1 <= len(baselines) <= 4
    digests = set()
    for genotype in baselines.values():
        space.check(genotype)
        candidate = space.decode(genotype)
        digests.add(candidate.digest)
        decisions = candidate.decisions
        assert [decisions[f"stage{k}.{kind}"] for k in stages_of(space)] == [unchanged] * len(published)
        assert [decisions[f"stage{k}.units"] for k in stages_of(space)] == published
        assert decisions["lr"] == pytest.approx((0.05 * 0.5) ** 0.5)
        assert set(candidate.training) == {"lr", "weight_decay"}
    assert len(digests) == len(baselines)


def test_baselines_have_the_names_a_person_would_use() -> None:
    def names(settings: SpaceSettings) -> list[str]:
        return list(make_space(settings, image_size=32, channels=3, classes=10).baselines())

    v1, v2 = space_settings(name="shufflenet_v1"), space_settings(name="shufflenet_v2")
    assert names(v2) == ["ShuffleNetV2 0.5x", "ShuffleNetV2 1x", "ShuffleNetV2 1.5x", "ShuffleNetV2 2x"]
    assert names(changed(v2, widths=(32, 48), units=((2, 4), (8,), (4,)))) == ["ShuffleNetV2 (32)", "ShuffleNetV2 0.5x"]
    assert names(changed(v2, widths=(48,), units=((1, 2), (2, 4), (1, 2)))) == ["ShuffleNetV2 0.5x, units 2-4-2"]
    assert names(changed(v1, widths=(1.0,), conv_groups=(3, 8))) == ["ShuffleNetV1 1x (g=3)", "ShuffleNetV1 1x (g=8)"]
    assert names(changed(v1, widths=(0.5, 1.0, 2.0))) == [f"ShuffleNetV1 {w}x (g=3)" for w in ("0.5", "1", "2")]
    assert names(changed(v2, mixers=("dynamic", "static"))) == []
    resnet, mobilenet = space_settings(name="resnet_cifar"), space_settings(name="mobilenet_v2")
    assert names(resnet) == ["ResNet-20 0.25x", "ResNet-20 1x", "ResNet-29 0.25x", "ResNet-29 1x"]
    bottlenecks = changed(resnet, residual_units=("bottleneck",))
    assert names(bottlenecks) == ["ResNet-29 0.25x", "ResNet-29 0.5x", "ResNet-29 1x"]
    assert names(changed(bottlenecks, widths=(1,), units=((2,), (2,), (2,)))) == ["ResNet-20 1x, units 2-2-2"]
    assert names(space_settings(name="resnet50", widths=(1,))) == ["ResNet-50 1x"]
    assert names(space_settings(name="vgg16", widths=(1,))) == ["VGG16 1x"]
    assert names(space_settings(name="densenet_cifar", widths=(12,))) == ["DenseNet-BC-100, growth 12"]
    assert names(mobilenet) == [f"MobileNetV2 {w}x" for w in ("0.25", "0.5", "0.75", "1")]
    assert names(changed(mobilenet, mixers=("dynamic",), widths=(1,))) == ["MobileNetV2 1x"]
    assert names(changed(mobilenet, convolutions=("grouped",))) == []


def test_no_more_than_four_widths_are_baselines_the_narrowest_and_widest_among_them() -> None:
    settings = space_settings(widths=(16, 24, 32, 40, 48, 56, 64))
    space = make_space(settings, image_size=32, channels=3, classes=10)
    assert [genotype["width"] for genotype in space.baselines().values()] == [16, 32, 48, 64]


@EVERY_SPACE
def test_fixed_decisions_are_no_dimensions_but_still_in_the_candidate(name: str) -> None:
    width = {"shufflenet_v2": 48, "densenet_cifar": 8}.get(name, 1)
    units = {"residual_units": ("basic",)} if name == "resnet_cifar" else {}
    settings = space_settings(name=name, widths=(width,), lr=(0.1, 0.1), **units)
    space = make_space(settings, image_size=32, channels=3, classes=10)
    names = {dimension.name for dimension in space.dimensions}
    assert not names & {"lr", "width", "stage1.units"}
    (candidate,) = drawn(space, 1)
    assert candidate.training["lr"] == 0.1
    assert candidate.architecture["stage1.units"] == published_units(name)[0]
    assert "width" in candidate.architecture


@EVERY_SPACE
def test_without_learned_mixers_nothing_about_them_is_asked(name: str) -> None:
    convolutions = None if name in ALWAYS_MIXING else ("dense", "grouped")
    settings = space_settings(name=name, mixers=("fixed",), convolutions=convolutions)
    space = make_space(settings, image_size=32, channels=3, classes=10)
    host = {"width"} | {"shufflenet_v1": {"conv_groups"}, "resnet_cifar": {"unit"}}.get(name, set())
    if convolutions is not None:
        host |= {f"stage{k}.{key}" for k in stages_of(space) for key in ("convolution", "conv_groups")}
    assert {dimension.name for dimension in space.dimensions} == host | {"lr", "weight_decay"}


@EVERY_SPACE
def test_a_genotype_of_another_space_is_refused_with_every_fault(name: str) -> None:
    space = small_space(name)
    genotype = draw(space, random.Random(0))
    del genotype["lr"]
    with pytest.raises(SpaceError, match=r"unknown decision 'depth'.*stage1.mixer.*missing decision 'lr'"):
        space.decode({**genotype, "stage1.mixer": "dynamik", "depth": 3})


@EVERY_SPACE
def test_a_candidate_that_does_not_fit_is_refused(name: str) -> None:
    space = small_space(name)
    good = space.decode(with_mixers(space, draw(space, random.Random(0)), {2: "dynamic"}))

    def changed(**values: object) -> Candidate:
        architecture = {**good.architecture, **{f"stage2.{key}": value for key, value in values.items()}}
        return Candidate(space=good.space, architecture=architecture, training=good.training)  # type: ignore[arg-type]

    with pytest.raises(SpaceError, match="did you mean 'dynamic'"):
        space.build(changed(mixer="dynamc"))
    if "stage2.groups" in good.architecture:
        with pytest.raises(SpaceError, match="not groups x n1 x n2 = 5 x"):
            space.build(changed(groups=5))
    else:
        with pytest.raises(SpaceError, match=r"stage2.group_rank = -1 must be an integer of at least 0"):
            space.build(changed(group_rank=-1))
    with pytest.raises(SpaceError, match=r"stage2.reduction = None must be a positive integer"):
        space.build(changed(reduction=None))
    with pytest.raises(SpaceError, match="unknown share 'all'"):
        space.build(changed(share="all"))
    with pytest.raises(SpaceError, match="of the space 'other'"):
        space.build(Candidate(space="other", architecture={}, training={}))


def test_form_auto_is_imagenet_from_128_pixels_and_small_below() -> None:
    for size, form, positions in ((127, "small", 127), (128, "imagenet", 32)):
        space = make_space(space_settings(widths=(16,)), image_size=size, channels=3, classes=10)
        assert space.settings()["form"] == form
        with torch.device("meta"):
            model = space.build(space.decode(draw(space, random.Random(0)))).eval()
        assert model.stem(torch.empty(1, 3, size, size, device="meta")).shape == (1, 24, positions, positions)


@pytest.mark.parametrize("name", ["resnet_cifar", "mobilenet_v2"])
def test_a_mixer_is_asked_for_only_between_grouped_convolutions(name: str) -> None:
    space = small_space(name)
    genotype = with_mixers(space, draw(space, random.Random(0)), dict.fromkeys(stages_of(space), "dynamic"))
    for kind in ("dense", "static_dynamic", "grouped"):
        given = {**genotype, **{f"stage{k}.convolution": kind for k in stages_of(space)}}
        decisions = space.decode(given).decisions
        keys = {name.partition(".")[2] for name in decisions if name.startswith("stage1.")}
        mixing = {"conv_groups", "mixer", "groups", "n1", "n2"} if kind == "grouped" else set()
        assert keys & {"conv_groups", "mixer", "groups", "n1", "n2"} == mixing
        assert ("temperature" in decisions) == (kind != "dense")
        assert ("reduction" in keys) == (kind != "dense")


@pytest.mark.parametrize("name", ["resnet_cifar", "mobilenet_v2", "shufflenet_v2"])
def test_every_one_by_one_convolution_that_factors_fit_becomes_the_drop_in(name: str) -> None:
    space = small_space(name)
    genotype = {
        **draw(space, random.Random(0)),
        **{f"stage{k}.convolution": "static_dynamic" for k in stages_of(space)},
    }
    dense = {**genotype, **{f"stage{k}.convolution": "dense" for k in stages_of(space)}}

    def count(given: Mapping[str, Scalar], kind: type[torch.nn.Module]) -> int:
        return sum(isinstance(m, kind) for m in space.build(space.decode(given)).stages.modules())

    units = [integer(space.decode(genotype).architecture, f"stage{k}.units") for k in stages_of(space)]
    # Both of each unit; in ShuffleNetV2 only of units of stride 1, which are all but the first.
    replaced = sum(2 * (n - 1 if name == "shufflenet_v2" else n) for n in units)
    assert count(genotype, PointwiseShuffle) == replaced > 0
    assert count(dense, torch.nn.Conv2d) - count(genotype, torch.nn.Conv2d) == replaced


def test_a_convolution_that_no_factors_fit_stays_dense() -> None:
    # Halves of 122, 244 and 488 channels: 2 x 61 has no factors up to 32, 4 x 61 and 8 x 61 have 61 groups of 2 x 2 and 2 x 4.
    settings = space_settings(
        widths=(244,),
        units=((2,), (2,), (2,)),
        mixers=("fixed",),
        convolutions=("static_dynamic",),
        group_ranks=1,
        pair_ranks=1,
    )
    space = make_space(settings, image_size=8, channels=1, classes=3)
    candidate = space.decode(draw(space, random.Random(0)))
    assert "stage1.convolution" not in candidate.architecture
    assert candidate.architecture["stage2.convolution"] == "static_dynamic"
    with torch.device("meta"):
        model = space.build(candidate)
    shapes = [m.shape for m in model.modules() if isinstance(m, PointwiseShuffle)]
    assert [(s.groups, s.outer, s.inner) for s in shapes] == [(61, (2, 2), (2, 2))] * 2 + [(61, (2, 2), (4, 4))] * 2


def test_groups_that_do_not_divide_become_the_next_lower_ones_that_do() -> None:
    # At 0.25x the bottlenecks have 4, 8 and 16 channels.
    space = make_space(space_settings(name="resnet_cifar", widths=(0.25,)), image_size=8, channels=1, classes=3)
    genotype = with_mixers(space, draw(space, random.Random(0)), {1: "fixed", 2: "fixed", 3: "fixed"})
    for wanted, found in ((2, [2, 2, 2]), (4, [4, 4, 4]), (8, [4, 8, 8])):
        given = {**genotype, **{f"stage{k}.conv_groups": wanted for k in (1, 2, 3)}}
        decisions = space.decode(given).decisions
        assert [decisions[f"stage{k}.conv_groups"] for k in (1, 2, 3)] == found


@pytest.mark.parametrize("name", sorted(SPACES))
def test_the_sizes_a_space_reckons_with_are_those_of_its_host(name: str) -> None:
    space = small_space(name)
    assert isinstance(space, ShuffleSpace)
    for seed in range(6):
        genotype = draw(space, random.Random(seed))
        dense = {key: "dense" for key in genotype if key.endswith(".convolution")}
        candidate = space.decode({**genotype, **dense})
        host = space.build(candidate)
        for stage, shape in enumerate(space.shape(candidate.architecture).stages):
            assert {unit.mixed for unit in host.units(stage)} == set(shape.mixed)
            seen: set[tuple[int, int]] = set()

            def note(convolution: torch.nn.Conv2d, seen: set[tuple[int, int]] = seen) -> torch.nn.Module:
                seen.add((convolution.in_channels, convolution.out_channels))
                return convolution

            host.replace_convolutions(stage, note)
            assert seen == set(shape.convolutions)
