import json

import pytest

from nas.candidate import Candidate
from nas.dimensions import Choice, FloatRange, IntRange, Scalar
from nas.errors import SpaceError
from tests.toy_search import ToySpace


def test_domains_contain_their_ends_and_nothing_else() -> None:
    assert IntRange(name="i", low=1, high=3).contains(3)
    assert not IntRange(name="i", low=1, high=3).contains(4)
    assert not IntRange(name="i", low=0, high=3).contains(True)
    assert FloatRange(name="f", low=0.1, high=0.2).contains(0.2)
    assert not FloatRange(name="f", low=0.1, high=0.2).contains(0.3)
    assert Choice(name="c", choices=("a", None, 2)).contains(None)
    assert not Choice(name="c", choices=(1, 2)).contains(True)
    assert not Choice(name="c", choices=(1, 2)).contains(1.0)


def test_a_decision_without_effect_is_erased_before_the_digest() -> None:
    space = ToySpace()
    base: dict[str, Scalar] = {"width": 8, "mixer": "fixed", "rank": 0, "lr": 0.1}
    same = space.decode({**base, "rank": 3})
    assert space.decode(base).digest == same.digest
    learned = space.decode({**base, "mixer": "learned"})
    assert learned.digest != same.digest
    assert learned.digest != space.decode({**base, "mixer": "learned", "rank": 3}).digest


def test_a_candidate_survives_json() -> None:
    candidate = ToySpace().decode({"width": 8, "mixer": "learned", "rank": 2, "lr": 0.123456789})
    again = Candidate.from_json(json.loads(json.dumps(candidate.to_json())))
    assert again == candidate
    assert again.digest == candidate.digest


def test_every_fault_of_a_foreign_genotype_is_named() -> None:
    with pytest.raises(SpaceError) as caught:
        ToySpace().decode({"width": 9, "mixer": "fixed", "depth": 3, "lr": 0.1})
    for word in ("width", "9", "depth", "rank"):
        assert word in str(caught.value)


def test_an_unknown_decision_is_named_though_nothing_else_is_wrong() -> None:
    whole: dict[str, Scalar] = {"width": 16, "mixer": "fixed", "rank": 0, "lr": 0.1}
    ToySpace().check(whole)
    with pytest.raises(SpaceError, match="unknown decision 'depth'"):
        ToySpace().check({**whole, "depth": 3})


def test_the_size_is_the_product_of_the_countable_domains() -> None:
    assert ToySpace(learning_rate=False).size == 4 * 2 * 4
    assert ToySpace().size == 4 * 2 * 4, "real-valued decisions are left out"
