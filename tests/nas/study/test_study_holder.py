import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import optuna
import pytest

from nas.errors import StudyError
from nas.output.process_sign import _started, process_sign
from nas.study.storage import close_storage, open_storage, sqlite_url
from nas.study.study_holder import STALE_SECONDS
from tests.toy_search import ToySpace, open_toy_study, toy_driver


def hold(folder: Path, **changes: Any) -> None:
    """Leaves another driver's sign of life in the study."""
    storage = open_storage(sqlite_url(folder / "study.db"))
    sign = {"host": socket.gethostname(), "pid": os.getppid(), "token": "other", "time": time.time()}
    storage.set_study_user_attr(storage.get_study_id_from_name("toy"), "driver", {**sign, **changes})
    close_storage(storage)


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    open_toy_study(tmp_path, ToySpace()).close()
    return tmp_path


def test_a_study_that_a_living_process_holds_is_refused(folder: Path) -> None:
    hold(folder)
    with pytest.raises(StudyError, match=f"in use by another running search.*process {os.getppid()}"):
        open_toy_study(folder, ToySpace())


def test_a_study_held_on_another_machine_is_refused_until_its_sign_of_life_is_old(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(folder, host="elsewhere")
    with pytest.raises(StudyError, match="on elsewhere"):
        open_toy_study(folder, ToySpace())
    watch_briefly(monkeypatch)
    hold(folder, host="elsewhere", time=time.time() - STALE_SECONDS - 1)
    open_toy_study(folder, ToySpace()).close()


HOUR = 3600.0


def watch_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas.study.study_holder.STALE_SECONDS", 0.2)
    monkeypatch.setattr("nas.study.study_holder.LOOK_SECONDS", 0.02)


@pytest.mark.parametrize("away", [-HOUR, HOUR, 5 * HOUR])
def test_a_living_driver_of_this_machine_keeps_its_study_whatever_the_clock_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch, away: float
) -> None:
    hold(folder, **{**process_sign(), "pid": os.getppid(), "started": _started(os.getppid())})
    real = time.time
    monkeypatch.setattr("time.time", lambda: real() + away)
    with pytest.raises(StudyError, match="in use by another running search"):
        open_toy_study(folder, ToySpace())


@pytest.mark.parametrize("away", [-HOUR, HOUR])
def test_a_driver_elsewhere_that_renews_its_sign_keeps_its_study_whatever_the_clock_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch, away: float
) -> None:
    monkeypatch.setattr("nas.study.study_holder.LOOK_SECONDS", 0.02)
    hold(folder, host="elsewhere", time=time.time() + away)
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        hold(folder, host="elsewhere", time=time.time() + away + 1)  # it lives

    with pytest.raises(
        StudyError, match=r"in use by another running search \(process \d+ on elsewhere\).*same command"
    ):
        open_toy_study(folder, ToySpace(), tell=tell)
    assert "watching it" in told[0]


@pytest.mark.parametrize(
    "changes", [{"host": "elsewhere"}, {"boot": "of before"}, {"namespace": "of another container"}]
)
def test_a_sign_of_the_future_that_nobody_renews_does_not_block(
    folder: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str]
) -> None:
    watch_briefly(monkeypatch)
    hold(folder, time=time.time() + 5 * HOUR, **changes)
    open_toy_study(folder, ToySpace()).close()


def test_the_number_of_a_dead_driver_that_another_process_has_got_does_not_block(folder: Path) -> None:
    hold(folder, started="12")
    open_toy_study(folder, ToySpace()).close()


def test_a_driver_of_another_container_on_this_machine_is_not_dead_because_its_number_is_not_here(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nas.study.study_holder.LOOK_SECONDS", 0.02)
    pid = dead_process()
    hold(folder, namespace="of another container", pid=pid)
    with pytest.raises(StudyError, match="in use"):
        open_toy_study(folder, ToySpace(), tell=lambda _: hold(folder, namespace="of another container", time=1.0))


@pytest.mark.parametrize("sign", [{"pid": "x"}, {"time": "yesterday", "pid": 10**400}, {"host": None, "pid": -1}])
def test_a_sign_that_is_none_is_watched_and_not_believed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, sign: dict[str, object]
) -> None:
    watch_briefly(monkeypatch)
    hold(folder, **{"host": "elsewhere", "time": None, **sign})
    open_toy_study(folder, ToySpace()).close()


def test_a_study_of_a_killed_driver_is_taken_at_once(folder: Path) -> None:
    hold(folder, pid=dead_process())
    open_toy_study(folder, ToySpace())


def test_a_driver_whose_study_was_taken_stops(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas.study.study_holder.RENEW_SECONDS", 0.0)
    study = open_toy_study(folder, ToySpace())
    study.renew()
    hold(folder)
    with pytest.raises(StudyError, match="taken over"):
        study.renew()


def test_a_study_whose_creation_was_cut_short_is_begun_again(tmp_path: Path) -> None:
    storage = open_storage(sqlite_url(tmp_path / "study.db"))
    directions = [optuna.study.StudyDirection.MAXIMIZE, optuna.study.StudyDirection.MINIMIZE]
    storage.create_new_study(directions, "toy")
    driver = toy_driver(tmp_path, trials=1)
    assert driver.next_task() is not None


def test_a_database_that_vanishes_is_a_study_error(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=3)
    (tmp_path / "study.db").unlink()
    with pytest.raises(StudyError, match="storage failed"):
        driver.next_task()
