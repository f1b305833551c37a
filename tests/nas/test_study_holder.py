import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import optuna
import pytest
from toy_search import ToySpace, open_toy_study, toy_driver

from nas.errors import StudyError
from nas.storage import open_storage, sqlite_url
from nas.study_holder import STALE_SECONDS


def hold(folder: Path, **changes: Any) -> None:
    """Leaves another driver's sign of life in the study."""
    storage = open_storage(sqlite_url(folder / "study.db"))
    sign = {"host": socket.gethostname(), "pid": os.getppid(), "token": "other", "time": time.time()}
    storage.set_study_user_attr(storage.get_study_id_from_name("toy"), "driver", {**sign, **changes})


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    open_toy_study(tmp_path, ToySpace()).close()
    return tmp_path


def test_a_study_that_a_living_process_holds_is_refused(folder: Path):
    hold(folder)
    with pytest.raises(StudyError, match=f"in use by another running search.*process {os.getppid()}"):
        open_toy_study(folder, ToySpace())


def test_a_study_held_on_another_machine_is_refused_until_its_sign_of_life_is_old(folder: Path):
    hold(folder, host="elsewhere")
    with pytest.raises(StudyError, match="on elsewhere"):
        open_toy_study(folder, ToySpace())
    hold(folder, host="elsewhere", time=time.time() - STALE_SECONDS - 1)
    open_toy_study(folder, ToySpace())


def test_a_study_of_a_killed_driver_is_taken_at_once(folder: Path):
    hold(folder, pid=dead_process())
    open_toy_study(folder, ToySpace())


def test_a_driver_whose_study_was_taken_stops(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("nas.study_holder.RENEW_SECONDS", 0.0)
    study = open_toy_study(folder, ToySpace())
    study.renew()
    hold(folder)
    with pytest.raises(StudyError, match="taken over"):
        study.renew()


def test_a_study_whose_creation_was_cut_short_is_begun_again(tmp_path: Path):
    storage = open_storage(sqlite_url(tmp_path / "study.db"))
    directions = [optuna.study.StudyDirection.MAXIMIZE, optuna.study.StudyDirection.MINIMIZE]
    storage.create_new_study(directions, "toy")
    driver = toy_driver(tmp_path, trials=1)
    assert driver.next_task() is not None


def test_a_database_that_vanishes_is_a_study_error(tmp_path: Path):
    driver = toy_driver(tmp_path, trials=3)
    (tmp_path / "study.db").unlink()
    with pytest.raises(StudyError, match="storage failed"):
        driver.next_task()
