from __future__ import annotations

import json
from pathlib import Path

import pytest

from nas.errors import OutputError
from nas.output.json_lines import append_line, read_lines
from nas.records import Measurement
from nas.retraining.openings import Model, Openings

FOUND = {"accuracy": Measurement(mean=80.0, std=40.0, n=100)}


def model(name: str, weights: str = "aa") -> Model:
    return Model(training=name, digest="d", seed=0, weights=weights)


def openings(folder: Path) -> Openings:
    return Openings(folder / "test_openings.jsonl", folder / "retrained" / "tested.jsonl")


def test_an_opening_is_written_down_before_anything_is_measured(tmp_path: Path) -> None:
    openings(tmp_path).open([model("a"), model("b")])
    (line,) = read_lines(tmp_path / "test_openings.jsonl")
    assert line["models"] == [model("a").to_json(), model("b").to_json()]
    assert line["figures"] == "retrained/tested.jsonl"
    assert openings(tmp_path).count == 1


def test_an_opening_that_was_killed_goes_on_and_is_not_another_one(tmp_path: Path) -> None:
    first = openings(tmp_path)
    first.open([model("a"), model("b")])
    first.keep(model("a"), FOUND)
    again = openings(tmp_path)
    assert again.figures("a") == FOUND
    assert again.figures("b") is None
    again.open([model("b")])
    assert again.count == 1


def test_other_models_or_other_weights_are_another_opening(tmp_path: Path) -> None:
    found = openings(tmp_path)
    found.open([model("a")])
    found.keep(model("a"), FOUND)
    found.open([model("c")])
    assert found.count == 2
    found.open([model("c", weights="bb")])
    assert openings(tmp_path).count == 3


def test_a_broken_line_is_one_error_and_a_cut_off_one_is_none(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    append_line(path, {"a": 1})
    path.write_text(path.read_text() + '{"b"')
    assert read_lines(path) == [{"a": 1}]
    append_line(path, {"c": 3})
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"a": 1}, {"c": 3}]
    path.write_text('{"a": 1}\nnonsense\n{"c": 3}\n')
    with pytest.raises(OutputError, match="line 2 is not JSON"):
        read_lines(path)
    assert read_lines(tmp_path / "none.jsonl") == []
