"""What a report says of the images, and of a class so common that accuracies say little."""

from __future__ import annotations

import dataclasses

import pytest

from nas.report.console import front_lines
from nas.report.images import image_lines, is_uneven, majority
from nas.report.payload import payload
from nas.report.pictures.front import pareto_png, value_limits
from nas.report.words import cautions
from nas.search.result import SearchResult
from tests.nas.report.conftest import MakeResult, MakeSearch, MakeTrial

UNEVEN = {"majority_class": "dark", "majority_share": 0.9, "majority_share_of_all": 0.9375, "classes": 3}
EVEN = {**UNEVEN, "majority_share": 0.4, "majority_share_of_all": 0.35}


def of(result: SearchResult, **more: object) -> SearchResult:
    return dataclasses.replace(result, data={**result.data, **more})


def test_the_lines_tell_what_was_chosen_and_left_out(make_search: MakeSearch) -> None:
    data = {**make_search(1).data, **EVEN, "told": ("image size: 80 x 80", "not used, hidden files: 3")}
    first, *rest = image_lines(data)
    assert first.startswith("data        cifar10: 45,000 train, 5,000 validation and 10,000 test images")
    assert [line.strip() for line in rest] == [
        "image size: 80 x 80",
        "not used, hidden files: 3",
        "always answering the commonest class, dark, is right for 40.0 % of the validation images "
        "(35.00 % of all images are of it)",
    ]
    assert image_lines({**data, **UNEVEN})[-1].startswith("warning     the classes are uneven: 90.0 % right answers")


@pytest.mark.parametrize(
    ("classes", "share", "uneven"),
    [
        (2, 0.74, False),
        (2, 0.76, True),
        (10, 0.1, False),
        (10, 0.5, False),
        (10, 0.56, True),
        (3, 0.66, False),
        (3, 0.67, True),
    ],
)
def test_classes_are_uneven_where_half_of_the_errors_of_guessing_are_gone(
    classes: int, share: float, uneven: bool
) -> None:
    assert is_uneven({"classes": classes, "majority_share": share}) is uneven


def test_nothing_is_said_where_nothing_is_known(make_search: MakeSearch) -> None:
    result = make_search(5)
    assert majority(result.data) is None
    assert payload(result)["majority"] is None
    assert not any("commonest" in each for each in cautions(result))


def test_the_console_sets_the_front_beside_the_commonest_class(make_result: MakeResult, make_trial: MakeTrial) -> None:
    trials = [make_trial(0, accuracy=90.1, macs=1e5), make_trial(1, accuracy=97.6, macs=1e6)]
    said = front_lines(of(make_result(trials), **UNEVEN))
    assert "Always answering the commonest class, dark, is right for 90.0 % of the validation images (93.75 %" in said
    assert "; 1 of the 2 networks of the front is better than that by more than a standard error." in said
    assert "The classes are uneven" in said
    none = front_lines(of(make_result(trials[:1]), **UNEVEN))
    assert "; no network of the front is better than that" in none
    assert "uneven" not in front_lines(of(make_result(trials), **EVEN))


def test_the_page_has_the_level_and_the_sentences(make_search: MakeSearch) -> None:
    shown = payload(of(make_search(20), **UNEVEN, told=("skipped, images that cannot be used: 2, such as a",)))
    assert shown["majority"] == 90.0
    assert shown["images"] == ["Skipped, images that cannot be used: 2, such as a."]
    assert any(each.startswith("Always answering the commonest class, dark,") for each in shown["cautions"])
    assert any(each.startswith("The classes are uneven") for each in shown["cautions"])
    assert "told" not in dict(shown["data"])


def test_the_picture_reaches_the_level_where_classes_are_uneven(make_search: MakeSearch) -> None:
    result = make_search(20)
    low, high = value_limits(result)
    assert value_limits(of(result, **{**EVEN, "majority_share": (low - 5) / 100})) == (low, high)
    for share in (0.99, 0.7):
        below, above = value_limits(of(result, **{**UNEVEN, "majority_share": share}))
        assert below < 100 * share < above
    assert pareto_png(of(result, **UNEVEN)) != pareto_png(of(result, **{**UNEVEN, "majority_share": 0.91}))


def test_a_level_below_the_picture_is_written_in_its_note(make_search: MakeSearch) -> None:
    result = make_search(20)
    low, _ = value_limits(result)
    levels = [of(result, **{**EVEN, "majority_share": share}) for share in ((low - 9) / 100, (low - 5) / 100)]
    assert pareto_png(levels[0]) != pareto_png(levels[1])
