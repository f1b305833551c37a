"""How networks and stages are said in words."""

from __future__ import annotations

from nas.candidate import Candidate
from nas.dimensions import Scalar
from nas.report.descriptions import describe, stage_title, stage_words


def candidate(**architecture: Scalar) -> Candidate:
    named = {name.replace("__", "."): value for name, value in architecture.items()}
    return Candidate(space="shufflenet_v2", architecture=named, training={"lr": 0.1})


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
    assert describe(one) == "48 | 4-8-4 | fixed dyn(2,4x6) fixed"


def test_a_space_without_stages_is_described_by_its_decisions() -> None:
    assert describe(candidate(depth=3, kernel="a")) == "depth=3, kernel=a"


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
    assert describe(one) == "0.5 | 3-3-3 | dense, grouped/4 dynamic(2,4x6), static-dynamic"


def test_a_stage_with_replaced_convolutions_still_tells_its_mixer() -> None:
    one = candidate(
        width=48, stage1__mixer="fixed", stage2__convolution="static_dynamic", stage2__mixer="static_dynamic"
    )
    assert describe(one) == "48 | fixed, static-dynamic static+dynamic"


def test_a_stage_is_titled_by_its_convolutions_and_its_mixer() -> None:
    assert stage_title({"mixer": "dynamic"}) == "dynamic"
    assert stage_title({"convolution": "dense"}) == "dense convolutions"
    grouped: dict[str, Scalar] = {"convolution": "grouped", "conv_groups": 4, "mixer": "random_each"}
    assert stage_title(grouped) == "convolutions in 4 groups, random for each image"
    replaced = {"convolution": "static_dynamic", "mixer": "fixed"}
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
    assert describe(both) == "0.5 | rebuilt(0.5,affine/2), learned-groups/4"


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


def test_a_decision_that_the_words_do_not_know_is_still_told() -> None:
    assert stage_words({"units": 3, "mixer": "fixed", "wave_length": 7}) == "wave length 7"
