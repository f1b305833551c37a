"""What the page is told, and that it is plain, finite and inert."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest

from nas.portrait import KindStyle, Legend, Part, Portrait
from nas.records import Failure, FailureKind, TrialState
from nas.report.page import page
from nas.report.payload import embedded, payload
from nas.report.sections.trials import CURVE_POINTS
from tests.nas.report.conftest import MakeResult, MakeSearch, MakeTrial


def test_embedded_data_comes_back_equal_and_holds_no_markup() -> None:
    data = {"a": "</script><!--<script>", "b": "x & y\u2028\u2029 ü", "c": [1.5, None, True]}
    text = embedded(data)
    assert json.loads(text) == data
    assert not set(text) & set("<>&\u2028\u2029")


@pytest.mark.parametrize("count", [0, 1, 4, 40])
def test_a_search_of_any_length_is_finite_json(make_search: MakeSearch, count: int) -> None:
    assert json.loads(embedded(payload(make_search(count))))["front"] is not None


def test_not_a_number_in_details_becomes_missing(make_result: MakeResult, make_trial: MakeTrial) -> None:
    details = {
        "curve": [{"epoch": 1, "loss": math.nan, "lr": 0.1}, {"epoch": 2, "loss": 1.0, "accuracy": "?"}],
        "soft_accuracy": math.inf,
    }
    (trial,) = payload(make_result([make_trial(0, accuracy=50.0, details=details)]))["trials"]
    assert trial["curve"] == [[1, None, None], [2, 1.0, None]]
    assert trial["soft"] is None


def test_shuffle_statistics_may_be_a_list_or_a_mapping(make_result: MakeResult, make_trial: MakeTrial) -> None:
    facts = {"valid": 1.0, "coverage": 0.9, "disagreement": 0.25}
    trials = [
        make_trial(k, accuracy=50.0 + k, details={"mixers": mixers})
        for k, mixers in enumerate(([{"name": "a.b", **facts}], {"a.b": facts}))
    ]
    rows = [trial["blocks"] for trial in payload(make_result(trials))["trials"]]
    assert rows[0] == rows[1] == [["a.b", 1.0, 0.9, 0.25]]


@pytest.mark.parametrize("mixers", [None, "text", 7, [1, 2], {"a": 3}])
def test_statistics_of_another_form_are_left_out(
    make_result: MakeResult, make_trial: MakeTrial, mixers: object
) -> None:
    details = {"mixers": mixers, "curve": mixers}
    (trial,) = payload(make_result([make_trial(0, accuracy=50.0, details=details)]))["trials"]
    assert trial["blocks"] == []
    assert trial["curve"] == []


@pytest.mark.parametrize("epochs", [1, CURVE_POINTS, CURVE_POINTS + 1, 1000])
def test_a_long_curve_is_thinned_and_keeps_its_end(make_result: MakeResult, make_trial: MakeTrial, epochs: int) -> None:
    details = {"curve": [{"epoch": epoch, "loss": 1.0} for epoch in range(1, epochs + 1)]}
    (trial,) = payload(make_result([make_trial(0, accuracy=50.0, details=details)]))["trials"]
    assert len(trial["curve"]) <= CURVE_POINTS
    assert trial["curve"][-1][0] == epochs


def test_each_mixer_has_a_front_of_its_own_trials(make_search: MakeSearch) -> None:
    data = payload(make_search(60))
    classes = {trial["trial"]: trial["kind"] for trial in data["trials"]}
    fronts = {kind["name"]: kind["front"] for kind in data["kinds"]}
    assert sum(map(bool, fronts.values())) > 2
    for name, numbers in fronts.items():
        assert all(classes[number] == name for number in numbers)


def test_failed_and_infeasible_trials_are_told_with_reasons(make_search: MakeSearch) -> None:
    result = make_search(80, seed=3)
    refused = payload(result)["refused"]
    expected = {t.number for t in result.trials if t.state in (TrialState.FAILED, TrialState.INFEASIBLE)}
    assert {number for group in refused for number in group["trials"]} == expected
    assert all(group["reason"] for group in refused)


def test_trials_whose_costs_were_counted_anew_are_told_apart_from_those_that_were_never_within_a_limit(
    make_result: MakeResult, make_trial: MakeTrial
) -> None:
    result = make_result([make_trial(number, accuracy=50.0) for number in range(4)])
    states: dict[int, dict[str, Any]] = {
        1: {"state": TrialState.INFEASIBLE, "violations": ("macs 9 is over the limit 8",)},
        2: {"state": TrialState.INFEASIBLE, "violations": ("macs 9 is over the limit 8",), "outcome": None},
        3: {"state": TrialState.UNTRAINED, "outcome": None},
    }
    trials = tuple(dataclasses.replace(trial, **states.get(trial.number, {})) for trial in result.trials)
    groups = payload(dataclasses.replace(result, trials=trials))["refused"]
    assert [(group["state"], group["reason"], group["trials"]) for group in groups] == [
        ("infeasible", "over a limit, trained before its costs were counted anew", [1]),
        ("infeasible", "over a limit, not trained", [2]),
        ("untrained", "over a limit by an earlier count of the costs, within it now", [3]),
    ]


@pytest.mark.parametrize(("width", "channels"), [(48, [48, 96]), (0.5, [None, None])])
def test_channels_are_told_where_the_space_tells_them(
    make_result: MakeResult, make_trial: MakeTrial, width: float, channels: list[int | None]
) -> None:
    architecture = {"width": width, "stage1.units": 2, "stage2.units": 4}
    (trial,) = payload(make_result([make_trial(0, accuracy=50.0, architecture=architecture)]))["trials"]
    assert [part["channels"] for part in trial["parts"]] == channels
    assert [part["units"] for part in trial["parts"]] == [2, 4]


def test_what_the_space_says_of_its_kinds_is_told_word_for_word(make_result: MakeResult, make_trial: MakeTrial) -> None:
    style: dict[str, Any] = {
        "noun": "season",
        "unchanged": "usual",
        "membership": "By warmth.",
        "comparison": "With May.",
        "compared": "months",
    }
    kinds = (
        KindStyle(name="may", label="in May", unchanged=True),
        KindStyle(name="june", label="in June", shape="cross"),
    )
    portraits = {
        number: Portrait(description=f"{kind} {number}", kind=kind, parts=(Part(name="root", kind=kind, words="long"),))
        for number, kind in enumerate(("may", "june"))
    }
    trials = [make_trial(number, accuracy=50.0 + number) for number in portraits]
    told = payload(make_result(trials, legend=Legend(styles=kinds, **style), portraits=portraits, title="Weather"))
    assert told["title"] == "Weather on cifar10"
    assert told["legend"] == style
    assert [(kind["name"], kind["label"], kind["shape"]) for kind in told["kinds"]] == [
        ("may", "in May", "circle"),
        ("june", "in June", "cross"),
    ]
    assert [trial["description"] for trial in told["trials"]] == ["may 0", "june 1"]
    assert [part["words"] for trial in told["trials"] for part in trial["parts"]] == ["long", "long"]
    assert [(pair["trial"], pair["peer"], pair["kind"]) for pair in told["pairs"]] == [(1, 0, "june")]


def test_the_reader_is_warned(make_search: MakeSearch) -> None:
    text = " ".join(payload(make_search(40))["cautions"])
    assert "chosen on the validation split (5,000 images)" in text
    assert "optimistic" in text
    assert "Two networks whose accuracy differs by less than 1.9 points cannot be told apart" in text


def test_nested_settings_are_readable_rows(make_result: MakeResult) -> None:
    settings = {"space": {"units": [[1, 2], [4]], "widths": [8, 12], "none": None, "empty": {}}, "device": "cpu"}
    provenance = {"command": ["run_search.py", "--output", "a b"]}
    data = payload(make_result([], settings=settings, provenance=provenance))
    assert data["settings"] == [
        ["space.units", "[[1, 2], [4]]"],
        ["space.widths", "8, 12"],
        ["space.none", "-"],
        ["space.empty", "-"],
        ["device", "cpu"],
    ]
    assert data["provenance"] == [["command", "run_search.py --output 'a b'"]]


def test_no_text_has_a_full_path(make_result: MakeResult, make_trial: MakeTrial) -> None:
    failure = Failure(kind=FailureKind.CRASHED, message="no file /mnt/secret/a.png")
    result = make_result(
        [make_trial(0, accuracy=50.0), make_trial(1, state=TrialState.FAILED, outcome=failure)],
        settings={"output": "/mnt/secret/runs/a b", "data": {"root": "/mnt/secret/"}},
        provenance={"command": ["/mnt/secret/run_search.py", "--output=/mnt/secret/runs/x"]},
        data={"name": "/mnt/secret/photos", "told": ("read from /mnt/secret/photos/train",)},
        weightless={0: "the weights in /mnt/secret/runs/a are broken"},
        name="",
    )
    told = payload(result)
    assert "/mnt" not in json.dumps(told)
    assert "/mnt" not in page(result)
    assert told["title"] == "ShuffleNet V2 on photos"
    assert ["output", "a b"] in told["settings"]
    assert payload(dataclasses.replace(result, name="Mine"))["title"] == "Mine"
