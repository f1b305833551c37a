from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from nas.early_stopping import stopping_rule
from nas.engines.virtual_time import VirtualTimeEngine
from nas.errors import OutputError
from nas.records import TrialState
from nas.watchers.event_log import EventLog
from tests.toy_search import ToyEvaluator, toy_driver


def test_every_trial_s_life_is_told_in_order_and_a_later_process_appends(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    (tmp_path / "work").mkdir()
    evaluator = ToyEvaluator(str(tmp_path / "work"), 0.0, [64], [])
    for trials in (12, 30):
        driver = toy_driver(tmp_path, trials=trials, epochs=9, stopping=stopping_rule("bound", 0))
        with EventLog(driver, events) as log:
            VirtualTimeEngine(evaluator).run(driver, log.update)
            log.update()
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    assert [line["event"] for line in lines].count("search_begun") == 2
    assert lines[-1]["event"] == "search_ended"
    assert lines[-1]["finished"]
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)
    told = Counter(line["event"] for line in lines if line["event"] in set(TrialState))
    assert told == Counter(trial.state.value for trial in driver.trials)
    assert told["stopped"] > 0
    assert told["failed"] > 0
    for trial in driver.trials:
        own = [line["event"] for line in lines if line.get("trial") == trial.number]
        assert own[-1] == trial.state.value
        if trial.reused_from is None:
            assert own[0] == "begun"
    front = [line for line in lines if line["event"] == "front"][-1]
    assert front["hypervolume"] == driver.front().hypervolume
    complete = next(line for line in lines if line["event"] == "complete")
    assert complete["values"] == driver.trials[complete["trial"]].values()


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        EventLog(toy_driver(tmp_path), tmp_path / "none" / "events.jsonl")
