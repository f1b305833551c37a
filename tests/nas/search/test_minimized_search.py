"""A search of one's own whose learned objective is called otherwise and is minimized, from its trainings to its report."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest

from nas.candidate import Candidate
from nas.dimensions import Choice, FloatRange, IntRange
from nas.engines.virtual_time import VirtualTimeEngine
from nas.errors import SettingsError
from nas.objectives import Direction, Objective, ObjectiveKind
from nas.output.stored_front import read_members
from nas.ports import Tell
from nas.records import Evaluation, Measurement, Task, TrialState
from nas.report import write_report
from nas.report.console import front_lines
from nas.report.findings.peers import pairs
from nas.report.payload import payload
from nas.search.driver import Driver
from nas.search.estimates import Estimates
from nas.search.own_search import make_driver, result_of, search_in_process
from nas.simple_space import SimpleSpace
from nas.watchers.event_log import EventLog

SPACE = SimpleSpace(
    "curves",
    IntRange(name="width", low=2, high=200, log=True),
    Choice(name="mixer", choices=("fixed", "dynamic")),
    FloatRange(name="rate", low=0.001, high=1.0, log=True),
)
ERROR = Objective(name="error", direction=Direction.MINIMIZE, kind=ObjectiveKind.LEARNED, unit="", reference=2.0)
WEIGHT = Objective(
    name="weight", direction=Direction.MINIMIZE, kind=ObjectiveKind.KNOWN, unit="kg", reference=1e4, log=True
)
EPOCHS = 9


def decided(candidate: Candidate, name: str) -> float:
    value = {**candidate.architecture, **candidate.training}[name]
    assert isinstance(value, int | float)
    return float(value)


def costs(candidate: Candidate) -> dict[str, float]:
    return {"weight": decided(candidate, "width") ** 2, "price": 3 * decided(candidate, "width")}


def error_after(task: Task, epochs: int) -> float:
    """Falls with the width and on the way; a rate far from a tenth costs much, a seed a little."""
    candidate = task.candidate
    end = 2 / math.sqrt(decided(candidate, "width")) + 0.3 * abs(math.log10(decided(candidate, "rate")) + 1)
    end -= 0.1 * (candidate.architecture["mixer"] == "dynamic")
    luck = 0.01 * math.sin(task.seed % 997)
    return max(end, 0.01) * (1 + (EPOCHS - epochs) / EPOCHS) + luck


class Evaluator:
    """Knows the whole curve at once; virtual time passes over it."""

    def evaluate(self, task: Task, progress: Tell) -> Evaluation:
        curve = [{"epoch": done, "loss": 1.0, "error": error_after(task, done)} for done in range(1, EPOCHS + 1)]
        error = Measurement(mean=error_after(task, EPOCHS), std=0.2, n=100)
        return Evaluation(measurements={"error": error}, seconds=1.0, epochs=EPOCHS, details={"curve": curve})


def own_driver(stopping: str = "bound", trials: int = 60, replicates: int = 2, **more: Any) -> Driver:
    return make_driver(
        SPACE,
        more.pop("objectives", (ERROR, WEIGHT)),
        costs,
        trials=trials,
        epochs=EPOCHS,
        stopping=stopping,
        replicates=replicates,
        **more,
    )


@pytest.fixture(scope="module", params=["bound", "rank_halving"])
def ended(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Driver, Path]:
    folder = tmp_path_factory.mktemp("error")
    driver = own_driver(request.param, database=folder / "study.db")
    log = EventLog(driver, folder / "events.jsonl")
    with log:
        VirtualTimeEngine(Evaluator(), workers=2).run(driver, log.update)
    write_report(result_of(driver, name="curves"), folder)
    return driver, folder


def test_the_front_holds_the_smallest_errors(ended: tuple[Driver, Path]) -> None:
    driver, _ = ended
    complete = [t for t in driver.trials if t.state is TrialState.COMPLETE and t.replicate_of is None]
    for number, (error, weight) in zip(driver.front().trials, driver.front().values, strict=True):
        better = [t.number for t in complete if t.values()["error"] < error and t.costs["weight"] <= weight]
        assert better == [], number
    weights = [weight for _, weight in driver.front().values]
    assert weights == sorted(weights), "cheapest first, though the error comes first and is minimized too"


def test_what_has_large_errors_on_its_way_waits(ended: tuple[Driver, Path]) -> None:
    driver, _ = ended
    stopped = [trial for trial in driver.trials if trial.state is TrialState.STOPPED]
    complete = [trial for trial in driver.trials if trial.state is TrialState.COMPLETE]
    assert stopped
    rates = [
        sum(abs(math.log10(decided(trial.candidate, "rate")) + 1) for trial in group) / len(group)
        for group in (stopped, complete)
    ]
    assert rates[0] > rates[1], "those that were stopped have worse rates than those that came to their end"


def test_members_of_the_front_are_trained_again(ended: tuple[Driver, Path]) -> None:
    driver, _ = ended
    estimates = Estimates(driver.space, driver.objectives, driver.trials)
    for number in estimates.front.trials:
        estimate = estimates.by_number[number]
        assert estimate.trainings == 2
        assert estimate.mean == pytest.approx(driver.trials[number].values()["error"], abs=0.25)


def test_the_report_speaks_of_the_error(ended: tuple[Driver, Path]) -> None:
    driver, folder = ended
    result = result_of(driver)
    rows = list(csv.DictReader((folder / "trials.csv").read_text().splitlines()))
    assert {"error", "error_se", "expected_error", "trainings", "weight", "price"} <= rows[0].keys()
    assert not any("accuracy" in name or "macs" in name for name in rows[0])
    assert float(rows[0]["error"]) == driver.trials[0].values()["error"]
    assert front_lines(result).splitlines()[0].split()[:2] == ["trial", "error"]
    members = read_members(folder / "pareto.json")
    assert [member.trial for member in members] == list(result.front.trials)
    document = json.loads((folder / "pareto.json").read_text())
    assert all("expected_error" in member and "error_se" in member for member in document["members"])
    shown = payload(result)
    assert shown["learned"]["label"] == "Error"
    assert shown["answer"].count("validation error") == 1
    low, high = shown["limits"]
    assert all(low <= shown["trials"][number]["value"] <= high for number in result.front.trials)
    assert (folder / "pareto.png").stat().st_size > 10_000
    assert "accuracy" not in (folder / "report.html").read_text().partition("<script>")[0]


def test_of_two_networks_that_with_the_smaller_error_is_better(ended: tuple[Driver, Path]) -> None:
    driver, _ = ended
    found = pairs(result_of(driver))
    assert all(pair.better == (pair.difference < 0) for pair in found if pair.difference)


def test_the_events_tell_the_error(ended: tuple[Driver, Path]) -> None:
    _, folder = ended
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert all("error" in event["values"] for event in events if event["event"] == "complete")


def test_a_study_of_errors_is_continued(tmp_path: Path) -> None:
    first = own_driver("bound", trials=20, database=tmp_path / "study.db")
    VirtualTimeEngine(Evaluator()).run(first)
    first.close()
    again = own_driver("bound", trials=30, database=tmp_path / "study.db")
    assert [trial.outcome for trial in again.trials] == [trial.outcome for trial in first.trials]
    VirtualTimeEngine(Evaluator()).run(again)
    assert again.handed_out == 30


def test_a_training_that_tells_no_curve_comes_to_its_end() -> None:
    class Silent:
        def evaluate(self, task: Task, progress: Tell) -> Evaluation:
            return Evaluation(measurements={"error": Measurement(mean=1.0)}, seconds=1.0, epochs=EPOCHS)

    driver = own_driver("bound", trials=12, replicates=1)
    search_in_process(driver, Silent())
    assert {trial.state for trial in driver.trials} == {TrialState.COMPLETE}


@pytest.mark.parametrize(
    ("objectives", "told"),
    [
        ((ERROR, WEIGHT, Objective(name="gain", direction=Direction.MAXIMIZE, kind=ObjectiveKind.LEARNED, unit="", reference=0)),
         "a search has one learned objective, not error and gain"),
        ((WEIGHT,), "no objective is learned"),
        ((ERROR,), "a search has at least one objective that is known without training"),
    ],
)  # fmt: skip
def test_other_numbers_of_learned_objectives_are_refused(objectives: tuple[Objective, ...], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        own_driver(objectives=objectives)
