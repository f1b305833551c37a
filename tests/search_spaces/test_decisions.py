from __future__ import annotations

import pytest

from nas.dimensions import Choice, FloatRange, IntRange, When
from search_spaces.decisions import Decisions, default

WHEN_LEARNED = (When(name="mixer", values=("learned",)),)


def test_a_decision_with_one_value_is_a_constant_and_not_a_dimension() -> None:
    decisions = Decisions([Choice(name="a", choices=(1, 2)), FloatRange(name="lr", low=0.1, high=0.1, log=True)])
    assert [dimension.name for dimension in decisions.free] == ["a"]
    assert decisions.complete({"a": 2}) == {"a": 2, "lr": 0.1}


def test_a_condition_on_a_constant_is_settled() -> None:
    mixer = Choice(name="mixer", choices=("learned",))
    rank = IntRange(name="rank", low=0, high=2, condition=WHEN_LEARNED)
    decisions = Decisions([mixer, rank])
    assert decisions.free == (IntRange(name="rank", low=0, high=2),)


def test_what_can_never_have_an_effect_is_dropped() -> None:
    mixer = Choice(name="mixer", choices=("fixed",))
    rank = IntRange(name="rank", low=0, high=2, condition=WHEN_LEARNED)
    decisions = Decisions([mixer, rank])
    assert decisions.free == ()
    assert decisions.complete({}) == {"mixer": "fixed"}


def test_a_conditional_constant_is_there_only_when_its_condition_holds() -> None:
    mixer = Choice(name="mixer", choices=("fixed", "learned"))
    reduction = Choice(name="reduction", choices=(8,), condition=WHEN_LEARNED)
    decisions = Decisions([mixer, reduction])
    assert decisions.complete({"mixer": "learned"}) == {"mixer": "learned", "reduction": 8}
    assert decisions.complete({"mixer": "fixed"}) == {"mixer": "fixed"}


def test_default_is_the_first_choice_the_lowest_rank_and_the_geometric_middle() -> None:
    assert default(Choice(name="a", choices=("x", "y"))) == "x"
    assert default(IntRange(name="a", low=0, high=3)) == 0
    assert default(FloatRange(name="a", low=0.01, high=1.0, log=True)) == pytest.approx(0.1)
    assert default(FloatRange(name="a", low=0.0, high=0.0, log=True)) == 0.0


def test_a_condition_on_a_conditional_constant_is_that_constants_own() -> None:
    kind = Choice(name="kind", choices=("dense", "grouped"))
    when_grouped = (When(name="kind", values=("grouped",)),)
    mixer = Choice(name="mixer", choices=("learned",), condition=when_grouped)
    rank = IntRange(name="rank", low=0, high=2, condition=WHEN_LEARNED)
    other = IntRange(name="other", low=0, high=2, condition=(When(name="mixer", values=("fixed",)),))
    decisions = Decisions([kind, mixer, rank, other])
    assert decisions.free == (kind, IntRange(name="rank", low=0, high=2, condition=when_grouped))
    assert decisions.complete({"kind": "grouped", "rank": 1}) == {"kind": "grouped", "mixer": "learned", "rank": 1}


def test_a_condition_on_what_was_dropped_or_with_no_value_never_holds() -> None:
    kind = Choice(name="kind", choices=("dense", "static_dynamic"))
    mixer = Choice(name="mixer", choices=("fixed", "learned"), condition=(When(name="kind", values=()),))
    rank = IntRange(name="rank", low=0, high=2, condition=WHEN_LEARNED)
    assert Decisions([kind, mixer, rank]).free == (kind,)
