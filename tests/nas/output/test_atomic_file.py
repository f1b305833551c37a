"""A file is replaced whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nas.errors import OutputError
from nas.output import atomic_file
from nas.output.atomic_file import STALE_SECONDS, draft_of, sweep, write_atomically
from nas.output.process_sign import process_sign

WRITER = """
import os, sys
from pathlib import Path
from nas.output.atomic_file import write_atomically

def sync(file):
    print("writing", flush=True)
    sys.stdin.readline()

os.fsync = sync
write_atomically(Path(sys.argv[1]), b"new")
"""


def test_a_file_that_cannot_be_replaced_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    (tmp_path / "report.html" / "inside").touch()
    with pytest.raises(OutputError, match="cannot write"):
        write_atomically(tmp_path / "report.html", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_the_old_content_is_replaced(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", b"long old content")
    write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


def writing(path: Path) -> subprocess.Popen[str]:
    """A process in the middle of replacing a file, which it ends when it is given a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    return process


def begin_earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drafts are from now on those of a process of this number that began earlier."""
    own = process_sign()
    former = {**own, "started": str(int(own["started"]) - 1)}
    monkeypatch.setattr(atomic_file, "process_sign", lambda: former)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_a_killed_writer_left_is_swept_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_atomically(path, b"old")
    with writing(path) as killed, writing(path) as living:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert len(names(tmp_path)) == 3
        sweep(tmp_path)
        assert len(names(tmp_path)) == 2
        assert path.read_bytes() == b"old"
        living.communicate("\n")
    assert living.returncode == 0
    assert names(tmp_path) == ["report.html"]
    assert path.read_bytes() == b"new"


def test_a_number_that_was_given_again_is_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft_of(tmp_path / "mine").touch()
    begin_earlier(monkeypatch)
    draft_of(tmp_path / "former").touch()
    sweep(tmp_path)
    assert [name.split("-")[0] for name in names(tmp_path)] == [".mine"]


def test_of_another_machines_drafts_the_old_ones_are_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"host": "another.example.org", "pid": 1, "started": "1"}
    monkeypatch.setattr(atomic_file, "process_sign", lambda: other)
    old, new, set_in_work = (draft_of(tmp_path / name) for name in ("old", "new", "set"))
    set_in_work.mkdir()
    for path in (old, new, set_in_work / "images.npy"):
        path.touch()
    long_ago = time.time() - STALE_SECONDS - 60
    for path in (old, set_in_work):
        os.utime(path, (long_ago, long_ago))
    sweep(tmp_path)
    assert names(tmp_path) == sorted([new.name, set_in_work.name])


def test_nothing_else_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [".lock", ".report.html.tmp", ".x-12345678", "a.tmp", ".budget", ".notes-0a1b2c3d.tmp", ".other.12.tmp"]
    for name in others:
        (tmp_path / name).touch()
    begin_earlier(monkeypatch)
    for name in ("photos", "cars"):
        draft_of(tmp_path / name).mkdir()
        draft_of(tmp_path / name).touch()
    sweep(tmp_path, "photos")
    assert [name.split("-")[0] for name in names(tmp_path) if name not in others] == [".cars"] * 2
    sweep(tmp_path)
    assert names(tmp_path) == sorted(others)
    sweep(tmp_path / "missing")


@pytest.mark.parametrize(
    "name", [".last.pt-0123abcd", ".weights.pt-0123abcd", ".report.html.17.tmp", ".pareto.png.1.tmp"]
)
def test_what_earlier_versions_left_is_swept(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    sweep(tmp_path)
    assert names(tmp_path) == []
