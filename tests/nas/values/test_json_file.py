"""Files that a stranger may have made: JSON of one meaning in a regular file, or one short line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nas.cost_rule import CostRule
from nas.dimensions import IntRange
from nas.errors import NasError, OutputError
from nas.latency.book import LatencyBook
from nas.records import outcome_from_json
from nas.simple_space import SimpleSpace
from nas.study.warm_start import warm_start
from nas.table import Table
from nas.values.json_fields import MalformedError, shown
from nas.values.json_file import read_json

SPACE = SimpleSpace("ranks", IntRange(name="rank", low=1, high=8))


def sparse_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


STRANGE: dict[str, Callable[[Path], object]] = {
    "nested without end": lambda path: path.write_text("[" * 100_000 + "]" * 100_000),
    "objects nested without end": lambda path: path.write_text('{"a":' * 100_000 + "1" + "}" * 100_000),
    "an infinite number": lambda path: path.write_text('{"a": Infinity}'),
    "no number": lambda path: path.write_text('{"a": NaN}'),
    "a number beyond all": lambda path: path.write_text('{"a": 1e999}'),
    "an integer of many digits": lambda path: path.write_text('{"a": ' + "9" * 100_000 + "}"),
    "a name twice": lambda path: path.write_text('{"a": 1, "a": 2}'),
    "no text": lambda path: path.write_bytes(b"\xff\xfe"),
    "half of it": lambda path: path.write_text('{"a": 1'),
    "nothing in it": lambda path: path.write_text(""),
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a folder": Path.mkdir,
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a terabyte": sparse_file,
}


@pytest.mark.parametrize("what", STRANGE)
def test_a_strange_file_is_refused_in_a_line_wherever_one_is_read(what: str, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    STRANGE[what](path)
    readers: tuple[Callable[[], Any], ...] = (
        lambda: read_json(path),
        lambda: warm_start(path, SPACE),
        lambda: Table.load(path).column("acc"),
    )
    for read in readers:
        with pytest.raises(NasError) as caught:
            read()
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 500


def test_a_file_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "file.json")


def front(path: Path, **changes: Any) -> Path:
    candidate = {"space": "ranks", "architecture": {"rank": 2}, "training": {}}
    member = {"trial": 3, "genotype": {"rank": 2}, "candidate": candidate, "values": {"macs": 5}, "digest": "?"}
    path.write_text(json.dumps({"format": 1, "members": [{**member, **changes}]}))
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {"trial": "third"}, {"trial": -1}, {"trial": 10**30}, {"genotype": [1]}, {"genotype": {"rank": {}}},
        {"candidate": 7}, {"candidate": {"space": 7}}, {"values": {"macs": "few"}}, {"values": [1]}, {"digest": 7},
        {"candidate": {"space": "ranks", "architecture": {"rank": [1]}, "training": {}}},
    ],
)  # fmt: skip
def test_a_member_of_a_front_that_is_none_is_named(changes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="member 0 "):
        warm_start(front(tmp_path / "pareto.json", **changes), SPACE)


CONDITIONS = {"device": "CPU", "form": "eager", "batch": 1, "image_shape": [3, 8, 8], "threads": 1}
LATENCY = {"conditions": CONDITIONS, "median": 0.1, "spread": 0.0, "runs": 5, "warm_up_runs": 1}
LINE = {"architecture": {"rank": 2}, "costs": {"macs": 5}, "latencies": [LATENCY]}


@pytest.mark.parametrize(
    "line",
    [
        7, [], {}, {**LINE, "latencies": []}, {**LINE, "architecture": [1]}, {**LINE, "costs": {"macs": "few"}},
        {**LINE, "latencies": [{**LATENCY, "median": "short"}]},
        {**LINE, "latencies": [{**LATENCY, "conditions": {**CONDITIONS, "device": ["CPU"]}}]},
        {**LINE, "latencies": [{**LATENCY, "conditions": {**CONDITIONS, "image_shape": [3, 8]}}]},
    ],
)  # fmt: skip
def test_a_line_of_a_latency_book_that_is_none_is_as_one_that_was_cut_off(line: Any, tmp_path: Path) -> None:
    path = tmp_path / "latencies.jsonl"
    path.write_text(f"{json.dumps(LINE)}\n{json.dumps(line)}\n{'[' * 100_000}\n")
    assert len(LatencyBook(path, lambda _candidate: [], CostRule(costs=lambda _candidate: {}))) == 1


def test_a_latency_book_that_is_a_pipe_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latencies.jsonl"
    os.mkfifo(path)
    with pytest.raises(OutputError, match="is no regular file"):
        LatencyBook(path, lambda _candidate: [], CostRule(costs=lambda _candidate: {}))


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": "long"}, {"epochs": 1.5}, {"measurements": []}, {"measurements": {"accuracy": 7}}, {"details": 7},
        {"details": {"curve": 7}}, {"details": {"curve": [7]}}, {"details": {"curve": [{"accuracy": 5.0}]}},
        {"details": {"curve": [{"epoch": 1, "accuracy": float("nan")}]}}, {"failure": "none"}, {"failure": "crashed"},
    ],
)  # fmt: skip
def test_an_outcome_that_is_none_is_refused(change: dict[str, Any]) -> None:
    whole = {"measurements": {"accuracy": {"mean": 5, "std": 1, "n": 3}}, "seconds": 1, "epochs": 1, "details": {}}
    outcome_from_json(whole, "accuracy")
    with pytest.raises(MalformedError):
        outcome_from_json({**whole, **change}, "accuracy")


def test_a_value_is_shown_in_few_characters_whatever_it_is() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for value in ("x" * 10**6, list(range(10**5)), deep, 10**3000, {str(n): n for n in range(10**4)}):
        assert len(shown(value)) <= 120
    while deep:  # what is nested this deeply cannot be freed at once
        deep = deep[0]
