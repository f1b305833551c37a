"""Which mixer class a candidate belongs to, and how it is described."""

from __future__ import annotations

import pytest

from nas.candidate import Candidate
from nas.dimensions import Scalar
from nas.report.mixers import describe, mixer_class, stages, styles


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
def test_a_class_is_the_one_kind_beside_fixed(kinds: tuple[str, ...], expected: str):
    assert mixer_class(candidate(stage1__mixer=kinds[0], stage2__mixer=kinds[1], stage3__mixer=kinds[2])) == expected


def test_a_space_without_mixers_has_one_class():
    assert mixer_class(candidate(depth=3, kernel="a")) == "network"


def test_stages_are_in_order_of_their_number_not_their_text():
    names = stages(candidate(stage10__units=1, stage2__units=1, stage1__units=1))
    assert list(names) == ["stage1", "stage2", "stage10"]


def test_a_description_tells_width_units_and_mixers():
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


def test_a_space_without_stages_is_described_by_its_decisions():
    assert describe(candidate(depth=3, kernel="a")) == "depth=3, kernel=a"


def test_every_class_has_a_color_of_its_own_even_an_unknown_one():
    chosen = styles(["fixed", "dynamic", "mixed", "static", "wavelet", "static_full", "static_dynamic", "butterfly"])
    assert set(chosen) >= {"wavelet", "butterfly"}
    assert len({style.light for style in chosen.values()}) == 8
    assert len({style.dark for style in chosen.values()}) == 8
