"""Curves for TensorBoard, read back."""

from __future__ import annotations

from pathlib import Path

import pytest
from tensorboardX.proto.event_pb2 import Event

from nas.engines.local import LocalEngine
from nas.errors import OutputError
from nas.records import Evaluation
from nas.watchers.tensorboard_log import TensorBoardLog
from tests.toy_search import toy_driver, toy_worker


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    """By name and step, from the records: length (8 bytes), its checksum (4), an event, its checksum (4)."""
    found: dict[str, dict[int, float]] = {}
    for file in folder.glob("events.out.tfevents.*"):
        content, at = file.read_bytes(), 0
        while at < len(content):
            size = int.from_bytes(content[at : at + 8], "little")
            event = Event.FromString(content[at + 12 : at + 12 + size])
            at += 16 + size
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


def test_each_training_and_the_front_have_their_curves_and_none_is_written_twice(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=5)
    with TensorBoardLog(driver, tmp_path / "curves") as log:
        LocalEngine(toy_worker(tmp_path / "work"), workers=1, logs=tmp_path / "logs").run(driver, log.update)
    task = next(trial for trial in driver.trials if trial.outcome is not None)
    assert isinstance(task.outcome, Evaluation)
    drawn = scalars(tmp_path / "curves" / f"trial-{task.number}")
    assert drawn["accuracy"] == pytest.approx(task.outcome.on_the_way("accuracy"))
    assert len(drawn["accuracy"]) == 3
    search = scalars(tmp_path / "curves" / "search")
    assert search["hypervolume"][5] == pytest.approx(driver.front().hypervolume, rel=1e-6)
    assert search["front"][5] == len(driver.front())
    files = sorted((tmp_path / "curves").rglob("trial-*/events*"))
    with TensorBoardLog(driver, tmp_path / "curves") as log:
        log.update()
    assert sorted((tmp_path / "curves").rglob("trial-*/events*")) == files


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written: Not a directory"):
        TensorBoardLog(toy_driver(tmp_path / "search"), tmp_path / "file" / "curves")
