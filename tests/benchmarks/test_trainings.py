"""Records of finished trainings on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, as_completed, wait
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks.trainings import Plan, Records, train_missing
from nas.errors import OutputError, SettingsError

IDENTITY = {"epochs": 2}


def opened(folder: Path, **identity: Any) -> Records:
    return Records(folder, {**IDENTITY, **identity}, key=("arm", "seed"), others=("table.md",))


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(OutputError, match=r"thesis\.tex"):
        opened(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_only_one_process_writes_a_folder(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(OutputError, match="another process"):
        opened(tmp_path)
    with opened(tmp_path) as records:
        assert not records.finished


def test_another_identity_and_broken_records_are_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as records:
        records.add({"arm": "fixed", "seed": 0})
    with pytest.raises(SettingsError, match=r"epochs \(2, now 3\)"):
        opened(tmp_path, epochs=3)
    with (tmp_path / "runs.jsonl").open("a") as file:
        file.write('{"arm": "fixed"}\n')
    with pytest.raises(OutputError, match="not a record of trainings"):
        opened(tmp_path)


def test_a_line_that_a_kill_cut_short_is_removed(tmp_path: Path) -> None:
    with opened(tmp_path) as records:
        records.add({"arm": "fixed", "seed": 0})
    with (tmp_path / "runs.jsonl").open("a") as file:
        file.write('{"arm": "dyn')
    with opened(tmp_path) as records:
        records.add({"arm": "dynamic", "seed": 0})
    with opened(tmp_path) as records:
        assert set(records.finished) == {("fixed", 0), ("dynamic", 0)}


def nothing() -> None:
    """Begins a worker."""


def killed(seed: int) -> Mapping[str, Any]:
    """A training whose process dies at seed 1."""
    if seed == 1:
        os._exit(9)
    return {"arm": "fixed", "seed": seed}


def broken_first(futures: Sequence[Future[Any]]) -> list[Future[Any]]:
    """As a machine may tell them that is too busy to look before all have ended."""
    return sorted(wait(futures).done, key=lambda future: future.exception() is None)


@pytest.mark.parametrize("order", [as_completed, broken_first])
def test_a_process_that_dies_is_a_clear_error_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: Callable[..., object]
) -> None:
    monkeypatch.setattr("benchmarks.trainings.as_completed", order)
    plan = Plan(
        arguments={("fixed", seed): (seed,) for seed in range(3)},
        train=killed,
        begin=nothing,
        begin_arguments=(),
        title="test",
        machine="this one",
    )
    with opened(tmp_path) as records:
        with pytest.raises(OutputError, match="a training's process died"):
            train_missing(plan, records, workers=1, after=lambda _record: None)
        kept = records.finished["fixed", 0]
    assert kept["machine"] == "this one"
    assert date.fromisoformat(kept["date"]) <= datetime.now(UTC).date()
