import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from evaluator.measuring.device_lock import DeviceLock
from evaluator.training.disk_budget import DiskBudget
from nas.errors import OutputError, StudyError
from nas.output.file_lock import NO_FLOCK, FileLock, HeldError
from nas.output.folder import OutputFolder
from nas.output.process_sign import process_sign

BOTH = pytest.mark.parametrize("without", [0, *sorted(set(NO_FLOCK))])


def refuse_flock(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """As a file system without flock(2) does; 0: it has it."""

    def refusing(_file: object, _mode: int) -> None:
        raise OSError(number, os.strerror(number))

    if number:
        monkeypatch.setattr(fcntl, "flock", refusing)


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@BOTH
def test_one_holds_it_at_a_time_and_it_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without: int
) -> None:
    refuse_flock(monkeypatch, without)
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    first.take()
    with pytest.raises(HeldError, match=f"process {os.getpid()}"):
        second.take()
    first.release()
    second.take()
    second.release()
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


@BOTH
def test_those_who_wait_have_it_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without: int
) -> None:
    refuse_flock(monkeypatch, without)
    monkeypatch.setattr("nas.output.file_lock.POLL_SECONDS", 0.001)
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(5):
            with FileLock(tmp_path / "lock").held():
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 20


@pytest.mark.parametrize("number", sorted(set(NO_FLOCK)))
def test_a_search_runs_where_there_is_no_flock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    refuse_flock(monkeypatch, number)
    with OutputFolder(tmp_path / "run"), pytest.raises(StudyError, match=f"in use.*{os.getpid()}"):
        OutputFolder(tmp_path / "run").__enter__()
    with DiskBudget(tmp_path / "checkpoints", 10_000).room(10) as fits:
        assert fits
    with pytest.raises(OutputError, match=r"has no locks .* set TMPDIR"), DeviceLock("cpu", folder=tmp_path).shared():
        pass


def test_the_file_of_a_process_that_has_ended_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_flock(monkeypatch, errno.ENOSYS)
    owner = tmp_path / "lock.owner"
    for sign in ({"pid": dead_process()}, {"started": "12"}):
        owner.write_text(json.dumps({**process_sign(), **sign}))
        lock = FileLock(tmp_path / "lock")
        lock.take()
        lock.release()
        assert [path.name for path in tmp_path.iterdir()] == ["lock"]


@pytest.mark.parametrize("content", ["", "[]", json.dumps({**process_sign(), "host": "elsewhere"})])
def test_the_file_of_one_that_cannot_be_seen_from_here_is_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    refuse_flock(monkeypatch, errno.ENOSYS)
    owner = tmp_path / ".lock.owner"
    owner.write_text(content)
    with pytest.raises(StudyError) as caught:
        OutputFolder(tmp_path).__enter__()
    assert f"if it has ended, remove {owner}" in str(caught.value)
    assert owner.read_text() == content


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = fcntl.flock
    removed: list[Path] = []

    def flock(file: int, mode: int) -> None:
        if not removed:
            removed.append(tmp_path / "lock")
            removed[0].unlink()
        real(file, mode)

    monkeypatch.setattr(fcntl, "flock", flock)
    lock = FileLock(tmp_path / "lock")
    lock.take()
    with pytest.raises(HeldError):
        FileLock(tmp_path / "lock").take()
    lock.release()


def test_other_failures_of_the_file_system_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_flock(monkeypatch, errno.EIO)
    with pytest.raises(OutputError, match="Input/output error"):
        FileLock(tmp_path / "lock").take()


def test_a_folder_that_was_made_and_left_empty_is_removed(tmp_path: Path) -> None:
    with OutputFolder(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b" / ".lock").exists()
    assert not list(tmp_path.iterdir())
    (tmp_path / "mine").mkdir()
    with OutputFolder(tmp_path / "mine"):
        pass
    assert (tmp_path / "mine").exists()
    with OutputFolder(tmp_path / "full") as folder:
        folder.events.write_text("{}\n")
    assert (tmp_path / "full" / "events.jsonl").exists()
