"""The tables read back, and the front loaded again."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nas.errors import OutputError
from nas.records import Evaluation, Measurement, TrialState
from nas.report.tables import (
    FIRST_COLUMNS,
    LAST_COLUMNS,
    MIDDLE_COLUMNS,
    decision_order,
    front_json,
    pareto_csv,
    read_candidates,
    trials_csv,
)
from tests.nas.report.conftest import MakeResult, MakeSearch, MakeTrial

LEARNED = ("accuracy", "accuracy_se", "expected_accuracy", "trainings")


def read(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text))


def test_the_columns_come_in_their_order(make_search: MakeSearch) -> None:
    columns = list(read(trials_csv(make_search(30))).columns)
    names = "trial state accuracy accuracy_se expected_accuracy trainings macs params epochs seconds digest"
    assert columns[:11] == names.split()
    assert tuple(columns[-len(LAST_COLUMNS) :]) == LAST_COLUMNS
    decisions = columns[11 : -len(LAST_COLUMNS)]
    assert decisions[0] == "width"
    stages = [name.split(".")[0] for name in decisions if "." in name]
    assert stages == sorted(stages)
    assert decisions[decisions.index("stage3.units") :].index("lr") > 0


def test_every_value_of_a_trial_comes_back(make_search: MakeSearch) -> None:
    result = make_search(40, seed=1)
    frame = read(trials_csv(result))
    assert len(frame) == len(result.trials)
    for trial, (_, row) in zip(result.trials, frame.iterrows(), strict=True):
        assert (row["trial"], row["state"], row["digest"]) == (trial.number, trial.state, trial.candidate.digest)
        assert row["macs"] == trial.costs["macs"]
        for name, value in trial.candidate.decisions.items():
            assert row[name] == pytest.approx(value) if isinstance(value, float) else row[name] == value
        erased = set(decision_order(result.trials)) - set(trial.candidate.decisions)
        assert row[sorted(erased)].isna().all()


def test_whole_numbers_stay_whole_beside_missing_ones(make_search: MakeSearch) -> None:
    text = trials_csv(make_search(40))
    rows = [line.split(",") for line in text.splitlines()]
    for name in ("macs", "epochs", "stage1.n1"):
        cells = {row[rows[0].index(name)] for row in rows[1:]}
        assert not any("." in cell for cell in cells), name


def test_the_front_is_cheapest_first(make_search: MakeSearch) -> None:
    result = make_search(40)
    frame = read(pareto_csv(result))
    assert tuple(frame["trial"]) == result.front.trials
    assert frame["macs"].is_monotonic_increasing
    assert frame["accuracy"].is_monotonic_increasing
    assert (frame["state"] == "complete").all()


def test_an_empty_search_has_tables_with_headings(make_result: MakeResult) -> None:
    for text in (trials_csv(make_result([])), pareto_csv(make_result([]))):
        assert text == ",".join((*FIRST_COLUMNS, *LEARNED, *MIDDLE_COLUMNS, *LAST_COLUMNS)) + "\n"


def test_a_decision_stands_after_the_one_it_follows_whichever_trial_had_it_first(make_trial: MakeTrial) -> None:
    trials = [
        make_trial(0, architecture={"width": 1, "stage1.mixer": "a", "stage2.mixer": "a"}, training={"lr": 1}),
        make_trial(
            1,
            architecture={"width": 1, "stage1.mixer": "b", "stage1.n": 2, "stage2.mixer": "a"},
            training={"wd": 1, "lr": 1},
        ),
    ]
    assert decision_order(trials) == ["width", "stage1.mixer", "stage1.n", "stage2.mixer", "wd", "lr"]


def test_a_decision_named_like_a_column_keeps_both(make_result: MakeResult, make_trial: MakeTrial) -> None:
    frame = read(trials_csv(make_result([make_trial(0, accuracy=50.0, architecture={"seconds": 7, "state": "solid"})])))
    assert frame["decision.seconds"].item() == 7
    assert frame["decision.state"].item() == "solid"
    assert frame["state"].item() == "complete"


def test_a_decision_for_nothing_is_not_an_erased_one(make_result: MakeResult, make_trial: MakeTrial) -> None:
    trials = [make_trial(0, architecture={"norm": None}), make_trial(1, architecture={"other": True})]
    lines = trials_csv(make_result(trials)).splitlines()
    position = lines[0].split(",").index("norm")
    assert [line.split(",")[position] for line in lines[1:]] == ["none", ""]


def test_the_candidates_of_a_front_come_back_equal(make_search: MakeSearch, tmp_path: Path) -> None:
    result = make_search(40)
    (tmp_path / "pareto.json").write_text(front_json(result), encoding="utf-8")
    expected = [result.trials[number].candidate for number in result.front.trials]
    assert read_candidates(tmp_path / "pareto.json") == expected


def test_a_front_names_models_and_the_space(make_search: MakeSearch) -> None:
    document = json.loads(front_json(make_search(40)))
    assert document["space"]["name"] == "shufflenet_v2"
    assert [objective["name"] for objective in document["objectives"]] == ["accuracy", "macs"]
    for member in document["members"]:
        assert member["model"] == f"models/{member['trial']}"
        assert set(member["values"]) == {"accuracy", "macs", "params"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: "no json", "is not JSON"),
        (lambda d: json.dumps([1]), "no list of members"),
        (lambda d: json.dumps({**d, "format": 99}), "format 99; this version reads format 1"),
        (lambda d: json.dumps({**d, "members": [{"trial": 1}]}), "member 0 is not a candidate"),
        (lambda d: json.dumps({**d, "members": [7]}), "member 0 is not a candidate"),
        (lambda d: json.dumps({**d, "members": [{**d["members"][0], "digest": "0"}]}), "has digest '0'"),
    ],
)
def test_a_file_that_is_no_front_is_one_clear_error(
    make_search: MakeSearch, tmp_path: Path, change: Callable[[dict[str, Any]], str], message: str
) -> None:
    path = tmp_path / "pareto.json"
    path.write_text(change(json.loads(front_json(make_search(10)))))
    with pytest.raises(OutputError, match=message):
        read_candidates(path)


def test_a_missing_front_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot read .*pareto\.json"):
        read_candidates(tmp_path / "pareto.json")


def test_a_row_says_what_it_gains_over_the_best_unchanged_network_and_how_much_is_shared(
    make_result: MakeResult, make_trial: MakeTrial
) -> None:
    changed = {"stage1.mixer": "dynamic"}
    trials = [
        make_trial(0, accuracy=60.0, macs=2e6, baseline="ShuffleNetV2"),
        make_trial(1, accuracy=61.0, macs=3e6),
        make_trial(2, accuracy=62.5, macs=2.5e6, architecture=changed),
        make_trial(3, accuracy=62.0, macs=3e6, architecture=changed),
        make_trial(4, accuracy=50.0, macs=1e6, architecture=changed),
    ]
    frame = read(trials_csv(make_result(trials))).set_index("trial")
    assert frame.loc[[2, 3], ["peer", "minus_peer"]].to_numpy().tolist() == [[0, 2.5], [1, 1.0]]
    assert list(frame.loc[[2, 3], "peer_settings"]) == ["given", "searched"]
    assert frame.loc[[0, 1, 4], ["peer", "minus_peer", "peer_settings"]].isna().all(axis=None), (
        "none of no greater cost"
    )
    # The front's median standard error is that of 62.5 and 60 or 50 %: binomial, of 5,000 images.
    errors = sorted((value * (100 - value) / 5000) ** 0.5 for value in (60.0, 62.5, 50.0))
    assert frame["shared_error_95"].unique() == pytest.approx([1.96 * errors[1]], abs=1e-3)


def test_a_reused_trial_points_to_the_first(make_result: MakeResult, make_trial: MakeTrial) -> None:
    trials = [make_trial(0, accuracy=50.0), make_trial(1, accuracy=50.0, state=TrialState.REUSED, reused_from=0)]
    assert read(trials_csv(make_result(trials)))["reused_from"].tolist()[1] == 0


def test_costs_are_those_of_the_deployed_network_and_what_was_aimed_at_stays(
    make_result: MakeResult, make_trial: MakeTrial
) -> None:
    measured = {"accuracy": Measurement(mean=60.0), "macs": Measurement(mean=9e5), "params": Measurement(mean=1e5)}
    outcome = Evaluation(measurements=measured, seconds=1.0, epochs=2)
    exact, decided = make_trial(0, accuracy=50.0, macs=5e5), make_trial(1, macs=1e6, outcome=outcome)
    result = make_result([exact, decided])
    frame = read(trials_csv(result))
    assert frame["macs"].tolist() == [500_000, 900_000]
    assert frame["target_macs"].isna().tolist() == [True, False]
    assert frame["target_macs"][1] == 1_000_000
    assert "target_params" not in frame, "it came out as aimed at"
    assert result.front.values[-1] == (60.0, 9e5)
    assert "target_macs" not in read(trials_csv(make_result([exact])))
