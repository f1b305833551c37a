"""Which kind a stage is of, and which class a candidate belongs to."""

from __future__ import annotations

import pytest

from nas.candidate import Candidate
from nas.dimensions import Scalar
from nas.mixers import DENSE, GROUPED, REPLACED, mixer_class, stage_kind, stages, unchanged_class


def candidate(**architecture: Scalar) -> Candidate:
    named = {name.replace("__", "."): value for name, value in architecture.items()}
    return Candidate(space="shufflenet_v2", architecture=named, training={"lr": 0.1})


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
    assert mixer_class(candidate(stage1__mixer=kinds[0], stage2__mixer=kinds[1], stage3__mixer=kinds[2])) == expected


def test_a_space_without_mixers_has_one_class() -> None:
    assert mixer_class(candidate(depth=3, kernel="a")) == "network"


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
        (("dense", "dense", "dense"), DENSE),
        (("dense", "grouped", "grouped"), GROUPED),
        (("grouped", "grouped", "grouped"), GROUPED),
        (("dense", "dense", "grouped dynamic"), "dynamic"),
        (("dense", "grouped", "grouped dynamic"), "dynamic"),
        (("grouped none", "grouped", "dense"), "none"),
        (("dense", "static-dynamic", "dense"), REPLACED),
        (("grouped", "static-dynamic", "dense"), REPLACED),
        (("grouped dynamic", "static-dynamic", "dense"), "mixed"),
        (("grouped dynamic", "grouped none", "dense"), "mixed"),
    ],
)
def test_a_class_is_the_one_kind_beside_dense_and_plainly_grouped(names: tuple[str, ...], expected: str) -> None:
    assert mixer_class(resnet(*names)) == expected


def test_replaced_convolutions_and_the_mixer_of_that_name_are_two_kinds() -> None:
    mixed = candidate(stage1__mixer="static_dynamic")
    replaced = candidate(stage1__mixer="fixed", stage1__convolution="static_dynamic")
    both = candidate(stage1__mixer="static_dynamic", stage1__convolution="static_dynamic")
    assert [mixer_class(one) for one in (mixed, replaced, both)] == ["static_dynamic", REPLACED, "mixed"]


def test_a_stage_that_decides_on_neither_mixer_nor_convolutions_has_no_kind() -> None:
    assert stage_kind({"units": 3}) is None


@pytest.mark.parametrize(
    "names", [("dense", "static-dynamic"), ("grouped", "grouped"), ("grouped dynamic", "static-dynamic")]
)
def test_where_convolutions_are_a_choice_in_every_stage_the_dense_network_is_unchanged(names: tuple[str, ...]) -> None:
    assert unchanged_class([resnet(*names)]) == DENSE


def test_where_every_stage_mixes_the_fixed_network_is_unchanged() -> None:
    assert unchanged_class([candidate(stage1__mixer="dynamic", stage1__convolution="static_dynamic")]) == "fixed"
