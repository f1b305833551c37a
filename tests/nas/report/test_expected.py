"""A report of what is expected: which accuracies are shown, and what is said to be optimistic."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from nas.report.console import front_lines
from nas.report.findings.statistics import expected_value, front_line, learned_value, members, observed_line, trained
from nas.report.payload import payload
from nas.report.tables import front_json, trials_frame
from nas.report.words import answer, cautions
from nas.search.estimates import Estimate
from nas.search.front import front_of
from nas.search.result import SearchResult
from tests.nas.report.conftest import MakeResult, MakeTrial


@pytest.fixture
def result(make_result: MakeResult, make_trial: MakeTrial) -> SearchResult:
    """Trial 1 was lucky, and one more training showed it; by its first training trial 2 would be behind it."""
    trials = [
        make_trial(0, accuracy=60.0, macs=1e6),
        make_trial(1, accuracy=70.0, macs=2e6),
        make_trial(2, accuracy=69.0, macs=3e6),
        make_trial(3, accuracy=66.0, macs=2e6, replicate_of=1),
    ]
    expected = {0: 60.5, 1: 67.5, 2: 68.9}
    observed = make_result(trials[:3])
    values = {number: {"accuracy": mean, "macs": trials[number].costs["macs"]} for number, mean in expected.items()}
    return replace(
        observed,
        trials=tuple(trials),
        front=front_of(observed.objectives, values),
        observed=observed.front,
        estimates={n: Estimate(mean=m, error=0.3, trainings=2 if n == 1 else 1) for n, m in expected.items()},
    )


def test_the_front_is_drawn_where_it_is_expected_and_the_observed_one_beside_it(result: SearchResult) -> None:
    assert [trial.number for trial in front_line(result)] == [0, 1, 2]
    assert [expected_value(result, trial) for trial in front_line(result)] == [60.5, 67.5, 68.9]
    assert [trial.number for trial in observed_line(result)] == [0, 1, 2], "the mean of both trainings of 1 is below 2"
    assert observed_line(replace(result, observed=None)) == []


def test_a_candidate_that_was_trained_twice_is_one_with_the_mean(result: SearchResult) -> None:
    assert [trial.number for trial in trained(result)] == [0, 1, 2]
    again = members(result)[1]
    assert learned_value(result, again).mean == 68.0
    assert learned_value(result, again).standard_error == learned_value(result, result.trials[1]).standard_error


def test_every_form_of_the_report_tells_both(result: SearchResult) -> None:
    page = payload(result)
    assert page["line"] == [0, 1, 2]
    assert page["observed"] == [0, 1, 2]
    shown = {trial["trial"]: (trial["value"], trial["expected"], trial["trainings"]) for trial in page["trials"]}
    assert shown == {0: (60.0, 60.5, 1), 1: (68.0, 67.5, 2), 2: (69.0, 68.9, 1), 3: (66.0, None, None)}
    assert page["trials"][3]["replicate_of"] == 1
    frame = trials_frame(result, result.trials)
    assert frame["accuracy"].tolist() == [60.0, 70.0, 69.0, 66.0], "a row says what this training gave"
    assert frame["expected_accuracy"].tolist()[:3] == [60.5, 67.5, 68.9]
    assert frame["replicate_of"].tolist()[3] == 1
    assert [member["expected_accuracy"] for member in json.loads(front_json(result))["members"]] == [60.5, 67.5, 68.9]
    assert "expected %" in front_lines(result)
    assert "68.9" in answer(result)
    assert "expected" in answer(result)


def test_the_reader_is_told_what_the_front_rests_on(result: SearchResult) -> None:
    told = " ".join(cautions(result))
    assert "chosen by expected accuracy" in told
    assert "The dashed front of observed values is optimistic." in told
    assert "1 of the 3 networks of the front were trained more than once" in told
    plain = " ".join(cautions(replace(result, observed=None, estimates={})))
    assert "dashed" not in plain
    assert "optimistic" in plain
