"""What a report is told of networks made of stages: kinds, words, and what stands in for both where they are strange."""

from __future__ import annotations

import pytest

from nas.candidate import Candidate
from nas.dimensions import Scalar
from nas.portrait import PLAIN
from search_spaces import make_space, space_settings
from search_spaces.blocks import BLOCKS
from search_spaces.kinds import KINDS
from search_spaces.portrait import legend, portrait, stage_kind, stage_title, stage_words, stages
from search_spaces.shuffle_space import ShuffleSpace
from search_spaces.spaces import SPACES


def candidate(**architecture: Scalar) -> Candidate:
    named = {name.replace("__", "."): value for name, value in architecture.items()}
    return Candidate(space="shufflenet_v2", architecture=named, training={"lr": 0.1})


def kind_of(one: Candidate) -> str:
    return portrait(one).kind


def described(one: Candidate) -> str:
    return portrait(one).description


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (("fixed", "fixed", "fixed"), "fixed"),
        (("fixed", "dynamic", "fixed"), "dynamic"),
        (("dynamic", "dynamic", "dynamic"), "dynamic"),
        (("static", "dynamic", "fixed"), "mixed"),
        (("static_dynamic", "fixed", "fixed"), "static_dynamic"),
        (("static", "static_full", "static"), "mixed"),
    ],
)
def test_a_class_is_the_one_kind_beside_fixed(kinds: tuple[str, ...], expected: str) -> None:
    assert kind_of(candidate(stage1__mixer=kinds[0], stage2__mixer=kinds[1], stage3__mixer=kinds[2])) == expected


def test_a_space_without_stages_is_told_by_its_decisions() -> None:
    told = portrait(candidate(depth=3, kernel="a"))
    assert (told.kind, told.description, told.parts) == (PLAIN, "depth=3, kernel=a", ())


def test_a_space_without_mixers_has_one_class() -> None:
    told = portrait(candidate(stage1__units=3))
    assert (told.kind, told.parts[0].kind) == (PLAIN, None)


@pytest.mark.parametrize(
    "strange",
    [
        {"stage1.mixer": "unheard_of"},
        {"stage1.mixer": "</script>"},
        {"stage1.mixer": 7, "stage2.mixer": "fixed"},
        {"stage1.convolution": "unheard_of"},
        {"stage1.convolution": "unheard_of", "stage1.mixer": "fixed"},
    ],
)
def test_a_mixer_or_convolutions_of_no_known_kind_are_told_as_decisions(strange: dict[str, Scalar]) -> None:
    told = portrait(Candidate(space="shufflenet_v2", architecture=strange, training={}))
    assert (told.kind, told.parts) == (PLAIN, ())
    assert told.description == ", ".join(f"{name}={value}" for name, value in strange.items())


def test_channels_that_are_not_one_for_each_stage_are_of_another_network() -> None:
    one = candidate(stage1__mixer="fixed", stage2__mixer="fixed")
    assert [part.channels for part in portrait(one).parts] == [None, None]
    assert [part.channels for part in portrait(one, (8, 16)).parts] == [8, 16]
    assert portrait(one, (8, 16, 32)).kind == PLAIN


@pytest.mark.parametrize("name", SPACES)
def test_a_space_tells_each_stage_with_its_channels_and_a_kind_of_its_legend(name: str) -> None:
    space = make_space(space_settings(name=name), image_size=32, channels=3, classes=10)
    styles = {style.name for style in space.legend().styles}
    (unchanged,) = space.legend().unchanged_kinds
    assert isinstance(space, ShuffleSpace)
    for genotype in space.baselines().values():
        one = space.decode(genotype)
        told = space.portrait(one)
        assert isinstance(space, ShuffleSpace)
        assert told.kind == unchanged
        assert {part.kind for part in told.parts} <= styles
        assert tuple(part.channels for part in told.parts) == space.shape(one.architecture).stage_channels
        assert [part.units for part in told.parts] == [one.architecture[f"{part.name}.units"] for part in told.parts]


@pytest.mark.parametrize("name", SPACES)
def test_a_space_tells_a_candidate_that_is_none_of_its_own_by_its_decisions(name: str) -> None:
    space = make_space(space_settings(name=name), image_size=32, channels=3, classes=10)
    told = space.portrait(Candidate(space=name, architecture={"stage1.mixer": "fixed"}, training={}))
    assert (told.kind, told.description) == (PLAIN, "stage1.mixer=fixed")


def test_stages_are_in_order_of_their_number_not_their_text() -> None:
    names = stages(candidate(stage10__units=1, stage2__units=1, stage1__units=1))
    assert list(names) == ["stage1", "stage2", "stage10"]


RESNET_STAGES: dict[str, dict[str, Scalar]] = {
    "dense": {"convolution": "dense"},
    "grouped": {"convolution": "grouped", "conv_groups": 4, "mixer": "fixed"},
    "grouped dynamic": {"convolution": "grouped", "conv_groups": 4, "mixer": "dynamic"},
    "grouped none": {"convolution": "grouped", "conv_groups": 4, "mixer": "none"},
    "static-dynamic": {"convolution": "static_dynamic", "kron_rank": 2},
}


def resnet(*names: str) -> Candidate:
    architecture: dict[str, Scalar] = {"width": 0.5}
    for position, name in enumerate(names, start=1):
        architecture |= {f"stage{position}.{what}": value for what, value in RESNET_STAGES[name].items()}
    return Candidate(space="resnet_cifar", architecture=architecture, training={"lr": 0.1})


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("dense", "dense", "dense"), "dense"),
        (("dense", "grouped", "grouped"), "grouped"),
        (("grouped", "grouped", "grouped"), "grouped"),
        (("dense", "dense", "grouped dynamic"), "dynamic"),
        (("dense", "grouped", "grouped dynamic"), "dynamic"),
        (("grouped none", "grouped", "dense"), "none"),
        (("dense", "static-dynamic", "dense"), "replaced"),
        (("grouped", "static-dynamic", "dense"), "replaced"),
        (("grouped dynamic", "static-dynamic", "dense"), "mixed"),
        (("grouped dynamic", "grouped none", "dense"), "mixed"),
    ],
)
def test_a_class_is_the_one_kind_beside_dense_and_plainly_grouped(names: tuple[str, ...], expected: str) -> None:
    assert kind_of(resnet(*names)) == expected


def test_replaced_convolutions_and_the_mixer_of_that_name_are_two_kinds() -> None:
    mixed = candidate(stage1__mixer="static_dynamic")
    replaced = candidate(stage1__mixer="fixed", stage1__convolution="static_dynamic")
    both = candidate(stage1__mixer="static_dynamic", stage1__convolution="static_dynamic")
    assert [kind_of(one) for one in (mixed, replaced, both)] == ["static_dynamic", "replaced", "mixed"]


@pytest.mark.parametrize("always_mixes", [True, False])
def test_every_mixer_and_every_kind_of_convolutions_has_a_place_in_the_legend(always_mixes: bool) -> None:
    names = [style.name for style in legend(always_mixes=always_mixes).styles]
    unchanged = {"fixed", "dense"}
    of_mixers = [stage_kind({"mixer": mixer}) for mixer in BLOCKS]
    assert of_mixers == list(BLOCKS)
    of_kinds = [stage_kind({"convolution": kind}) for kind in KINDS]
    assert set(of_mixers) | set(of_kinds) | {"mixed"} == set(names) | unchanged
    assert len(names) == len(set(names)) == len(BLOCKS) + len(KINDS)


def test_a_stage_that_decides_on_neither_mixer_nor_convolutions_has_no_kind() -> None:
    assert stage_kind({"units": 3}) is None


@pytest.mark.parametrize(("always_mixes", "unchanged"), [(False, "dense"), (True, "fixed")])
def test_where_convolutions_are_a_choice_the_dense_network_is_unchanged_and_else_the_fixed_one(
    always_mixes: bool, unchanged: str
) -> None:
    assert legend(always_mixes=always_mixes).unchanged_kinds == (unchanged,)
    assert {"dense", "fixed"} & {style.name for style in legend(always_mixes=always_mixes).styles} == {unchanged}


def test_beside_dense_convolutions_a_mixer_is_said_to_be_grouped() -> None:
    labels = {style.name: style.label for style in legend(always_mixes=False).styles}
    told = {"dense": "dense", "dynamic": "grouped, dynamic", "replaced": "static-dynamic"}
    assert {name: labels[name] for name in told} == told
    alone = {style.name: style.label for style in legend(always_mixes=True).styles}
    assert (alone["dynamic"], alone["replaced"]) == ("dynamic", "static-dynamic")


def test_a_description_tells_width_units_and_mixers() -> None:
    one = candidate(
        width=48,
        stage1__units=4,
        stage1__mixer="fixed",
        stage2__units=8,
        stage2__mixer="dynamic",
        stage2__groups=2,
        stage2__n1=4,
        stage2__n2=6,
        stage3__units=4,
        stage3__mixer="fixed",
        stage3__groups=2,
    )
    assert described(one) == "48 | 4-8-4 | fixed dyn(2,4x6) fixed"


def test_a_description_tells_what_the_convolutions_of_each_stage_are() -> None:
    one = candidate(
        width=0.5,
        stage1__units=3,
        stage1__convolution="dense",
        stage2__units=3,
        stage2__convolution="grouped",
        stage2__conv_groups=4,
        stage2__mixer="dynamic",
        stage2__groups=2,
        stage2__n1=4,
        stage2__n2=6,
        stage3__units=3,
        stage3__convolution="static_dynamic",
        stage3__group_rank=0,
        stage3__pair_rank=1,
    )
    assert described(one) == "0.5 | 3-3-3 | dense, grouped/4 dynamic(2,4x6), static-dynamic"


def test_a_stage_with_replaced_convolutions_still_tells_its_mixer() -> None:
    one = candidate(
        width=48, stage1__mixer="fixed", stage2__convolution="static_dynamic", stage2__mixer="static_dynamic"
    )
    assert described(one) == "48 | fixed, static-dynamic static+dynamic"


def test_a_stage_is_titled_by_its_convolutions_and_its_mixer() -> None:
    assert stage_title({"mixer": "dynamic"}) == "dynamic"
    assert stage_title({"convolution": "dense"}) == "dense convolutions"
    grouped: dict[str, Scalar] = {"convolution": "grouped", "conv_groups": 4, "mixer": "random_each"}
    assert stage_title(grouped) == "convolutions in 4 groups, random for each image"
    replaced: dict[str, Scalar] = {"convolution": "static_dynamic", "mixer": "fixed"}
    assert stage_title(replaced) == "fixed shuffle, static-dynamic convolutions"
    assert stage_title({"units": 3}) == ""


def test_rebuilt_filters_and_learned_groups_are_told_with_what_was_decided_on_them() -> None:
    rebuilt: dict[str, Scalar] = {
        "convolution": "reconstructed",
        "rebuilt": 0.5,
        "filter_groups": 2,
        "transformation": "affine",
        "least_templates": 4,
    }
    assert stage_title(rebuilt) == "filters rebuilt of others"
    assert stage_words(rebuilt) == "50% of them by affine transformations, of 2 channel groups, at least 4 templates"
    learned: dict[str, Scalar] = {"convolution": "learned_groups", "learned_groups": 4}
    assert stage_title(learned) == "learned groups and shuffles"
    assert stage_words(learned) == "4 times fewer multiply-adds aimed at"
    both = candidate(
        width=0.5,
        **{f"stage1__{key}": value for key, value in rebuilt.items()},
        **{f"stage2__{key}": value for key, value in learned.items()},
    )
    assert described(both) == "0.5 | rebuilt(0.5,affine/2), learned-groups/4"


def test_words_of_a_stage_say_ranks_and_sums() -> None:
    decisions: dict[str, Scalar] = {
        "convolution": "static_dynamic",
        "group_rank": 0,
        "pair_rank": 1,
        "kron_rank": 1,
        "sum_level": "full",
    }
    matrix = "static matrix of 1 term, deployed as a dense one in layers where that is cheaper"
    assert stage_words(decisions) == f"in each layer groups of rank 0, pair of rank 1, {matrix}, whole matrices added"
    assert "deployed" not in stage_words({**decisions, "sum_level": "factor"})


def test_groups_beside_the_unchanged_mixer_are_those_of_its_shuffle() -> None:
    assert stage_words({"mixer": "fixed", "groups": 3}) == "shuffle over 3 groups"
    assert stage_words({"mixer": "static", "groups": 1}) == "1 group"
    assert stage_words({"convolution": "static_dynamic", "groups": 3}) == "3 groups"


def test_a_decision_that_the_words_do_not_know_is_still_told() -> None:
    assert stage_words({"units": 3, "mixer": "fixed", "wave_length": 7}) == "wave length 7"
