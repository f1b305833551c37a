"""Which searches can be compared, by closed forms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nas.errors import StudyError
from nas.report.comparison.compared import (
    common_candidates,
    differing_settings,
    from_common_references,
    repeats,
    require_comparable,
)
from nas.report.comparison.curves import attained, growth
from nas.report.comparison.page import comparison_page
from nas.search.result import SearchResult
from tests.nas.report.conftest import ACCURACY, MACS, PARAMS, MakeResult, MakeTrial


def of(
    make_result: MakeResult, make_trial: MakeTrial, name: str, *points: tuple[float, float], **parts: Any
) -> SearchResult:
    trials = [
        make_trial(number, macs=macs, accuracy=accuracy, training={"lr": number + 1.0})
        for number, (macs, accuracy) in enumerate(points)
    ]
    return replace(make_result(trials, **parts), name=name)


@pytest.fixture
def first(make_result: MakeResult, make_trial: MakeTrial) -> SearchResult:
    return of(make_result, make_trial, "first", (1e6, 60.0), (2e6, 70.0))


def changed(result: SearchResult, group: str, **values: Any) -> SearchResult:
    return replace(result, settings={**result.settings, group: {**result.settings[group], **values}})


@pytest.mark.parametrize(
    ("fact", "value", "told"),
    [("classes", 11, "has classes 11"), ("image_size", 64, "has image size 64"), ("train", 5, "images")],
)
def test_other_images_are_refused(first: SearchResult, fact: str, value: int, told: str) -> None:
    other = replace(first, name="other", data={**first.data, fact: value})
    with pytest.raises(StudyError, match=told):
        require_comparable([first, other])


def test_another_split_of_the_same_images_is_told(first: SearchResult) -> None:
    data = {**first.data, "train": first.data["train"] - 10, "validation": first.data["validation"] + 10}
    other = replace(first, name="other", data={**data, "fingerprint": "another"})
    require_comparable([first, other])
    assert "divided the images differently" in comparison_page([first, other])


def test_other_objectives_are_refused(make_result: MakeResult, make_trial: MakeTrial, first: SearchResult) -> None:
    other = of(make_result, make_trial, "other", (1e6, 60.0), objectives=(ACCURACY, PARAMS))
    with pytest.raises(StudyError, match=r"other searches by accuracy \(maximize\), params \(minimize\)"):
        require_comparable([first, other])


def test_hypervolumes_are_measured_from_the_worst_reference(first: SearchResult) -> None:
    far = replace(MACS, reference=1e9)
    other = replace(first, objectives=(ACCURACY, far))
    for result in from_common_references([first, other]):
        assert result.objectives[1].reference == 1e9
        # log10 of 1e9 / 1e6 is 3 and of 1e9 / 2e6 is 2.699; 60 and 70 % lie 50 and 60 points above a tenth.
        assert growth(result).hypervolume == pytest.approx((150.0, 150.0 + 10 * 2.69897), rel=1e-5)


def test_growth_counts_what_was_spent(first: SearchResult) -> None:
    grown = growth(first)
    assert grown.trials == (1, 2)
    assert grown.epochs == (12, 24)
    assert grown.hours == pytest.approx((10 / 3600, (20 + 1 / 7) / 3600))


def test_settings_that_differ_are_listed_but_for_seeds_and_places(first: SearchResult) -> None:
    other = replace(
        changed(first, "search", seed=9), settings={**changed(first, "search", seed=9).settings, "output": "x"}
    )
    assert repeats([first, other])
    assert differing_settings([first, changed(other, "train", epochs=40)]) == {"train.epochs": [12, 40]}
    assert not repeats([first, changed(other, "train", epochs=40)])
    assert not repeats([first, first]), "the same seed twice is no repetition"


def test_candidates_in_common_have_the_same_network_and_training(
    make_result: MakeResult, make_trial: MakeTrial, first: SearchResult
) -> None:
    other = of(make_result, make_trial, "other", (1e6, 61.0), (2e6, 70.0), (3e6, 71.0))
    found = common_candidates([first, other])
    assert [{place: trial.number for place, trial in each.items()} for each in found] == [{0: 0, 1: 0}, {0: 1, 1: 1}]


def test_attainment_is_the_value_that_a_share_of_the_searches_reaches(
    make_result: MakeResult, make_trial: MakeTrial
) -> None:
    searches = [
        of(make_result, make_trial, "a", (1e6, 50.0), (4e6, 80.0)),
        of(make_result, make_trial, "b", (2e6, 60.0)),
        of(make_result, make_trial, "c", (3e6, 70.0)),
    ]
    assert attained(searches, 1 / 3) == [(1e6, 50.0), (2e6, 60.0), (3e6, 70.0), (4e6, 80.0)]
    assert attained(searches, 1 / 2) == [(2e6, 50.0), (3e6, 60.0), (4e6, 70.0)]
    assert attained(searches, 1.0) == [(3e6, 50.0), (4e6, 60.0)]


def test_names_from_anywhere_are_text_on_the_page(first: SearchResult) -> None:
    evil = "<script>alert(1)</script>"
    page = comparison_page([first, replace(changed(first, "train", epochs=40), name=evil)])
    assert evil not in page
    assert "&lt;script&gt;" in page


def test_three_searches_that_differ_by_seed_get_their_attainment(first: SearchResult) -> None:
    searches = [replace(changed(first, "search", seed=seed), name=f"seed {seed}") for seed in range(3)]
    assert comparison_page(searches).count("<svg") == 3
