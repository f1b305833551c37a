"""Trainings together, a measurement alone: with real processes, which are also killed."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evaluator.measuring.device_lock import DeviceLock
from nas.errors import MeasurementError, OutputError

ROOT = Path(__file__).parents[3]
SOON = 240.0
"""Seconds within which a busy machine gets round to what must happen."""
A_WHILE = 0.3
"""Seconds over which something that must not happen is looked for."""


class User:
    """A process at the lock."""

    def __init__(self, folder: Path, mode: str, *devices: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.evaluator.measuring.lock_user", str(folder), mode, *devices],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.strip())

    def says(self, *expected: str) -> None:
        for line in expected:
            assert self._lines.get(timeout=SOON) == line

    def is_silent(self) -> bool:
        try:
            return self._lines.get(timeout=A_WHILE) == ""
        except queue.Empty:
            return True

    def leave(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._reader.join()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


def is_at_the_turnstile(folder: Path) -> bool:
    """Waits until a measurement is there: that it is about to ask, as it says, is not enough where another must come after it."""
    turnstile, _ = DeviceLock("cpu", folder=folder)._pair("cpu")
    end = time.monotonic() + SOON
    while not (taken := turnstile.is_taken()) and time.monotonic() < end:
        time.sleep(0.01)
    return taken


Starter = Callable[..., User]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    users: list[User] = []

    def begin(mode: str, *devices: str) -> User:
        users.append(User(tmp_path, mode, *devices))
        return users[-1]

    yield begin
    for user in users:
        if user.process.poll() is None or not user.process.stdin.closed:  # type: ignore[union-attr]
            user.kill()


def test_trainings_hold_a_device_together_and_a_measurement_waits_for_all_of_them(start: Starter) -> None:
    first, second = start("shared"), start("shared")
    first.says("asks", "in")
    second.says("asks", "in")
    measurement = start("exclusive")
    measurement.says("asks")
    first.leave()
    first.says("leaves", "out")
    assert measurement.is_silent()
    second.leave()
    measurement.says("in")


@pytest.mark.parametrize("mode", ["shared", "exclusive"])
def test_everybody_waits_for_a_measurement(start: Starter, mode: str) -> None:
    measurement = start("exclusive")
    measurement.says("asks", "in")
    other = start(mode)
    other.says("asks")
    assert other.is_silent()
    measurement.leave()
    other.says("in")


@pytest.mark.parametrize(("holder", "waiter"), [("shared", "exclusive"), ("exclusive", "shared")])
def test_the_lock_of_a_killed_process_is_free(start: Starter, holder: str, waiter: str) -> None:
    held = start(holder)
    held.says("asks", "in")
    waiting = start(waiter)
    waiting.says("asks")
    assert waiting.is_silent()
    held.kill()
    waiting.says("in")


def test_a_measurement_killed_while_it_waits_holds_nobody_up(start: Starter, tmp_path: Path) -> None:
    training = start("shared")
    training.says("asks", "in")
    measurement = start("exclusive")
    measurement.says("asks")
    assert is_at_the_turnstile(tmp_path)
    later = start("shared")
    later.says("asks")
    assert later.is_silent()
    measurement.kill()
    later.says("in")


def test_trainings_that_ask_anew_do_not_keep_ahead_of_a_measurement_that_waits(start: Starter, tmp_path: Path) -> None:
    """Without the turnstile the later training would go in beside the first, and so would the next beside it, for ever."""
    training = start("shared")
    training.says("asks", "in")
    measurement = start("exclusive")
    measurement.says("asks")
    assert is_at_the_turnstile(tmp_path)
    assert measurement.is_silent()
    later = start("shared")
    later.says("asks")
    assert later.is_silent()
    training.leave()
    measurement.says("in")
    assert later.is_silent()
    measurement.leave()
    later.says("in")


def test_a_training_that_goes_on_gives_way_when_asked(start: Starter) -> None:
    training = start("yielding")
    training.says("asks", "in")
    assert training.is_silent()
    measurement = start("exclusive")
    measurement.says("asks", "in")
    assert training.is_silent()
    measurement.leave()
    training.says("gave way")


def test_other_devices_are_free(start: Starter, tmp_path: Path) -> None:
    start("exclusive", "cuda GPU-1").says("asks", "in")
    with DeviceLock("cpu", "cuda GPU-2", folder=tmp_path).exclusive(wait_seconds=SOON):
        pass


def test_who_needs_two_devices_waits_for_either_and_gives_both_back(start: Starter, tmp_path: Path) -> None:
    training = start("shared", "gpu")
    training.says("asks", "in")
    both = DeviceLock("cpu", "gpu", folder=tmp_path)
    with pytest.raises(MeasurementError, match="the device gpu was in use"), both.exclusive(wait_seconds=0.0):
        pass
    with DeviceLock("cpu", folder=tmp_path).exclusive(wait_seconds=0.0):
        pass


def test_waiting_in_vain_is_one_clear_line(start: Starter, tmp_path: Path) -> None:
    start("shared").says("asks", "in")
    with pytest.raises(MeasurementError) as caught, DeviceLock("cpu", folder=tmp_path).exclusive(wait_seconds=0.05):
        pass
    assert "\n" not in str(caught.value)
    assert "device cpu" in str(caught.value)


def test_a_lock_is_given_back_after_an_error(tmp_path: Path) -> None:
    lock = DeviceLock("cpu", folder=tmp_path)
    for _ in range(2):
        with pytest.raises(KeyError), lock.exclusive(wait_seconds=0.0):
            raise KeyError
        with pytest.raises(KeyError), lock.shared():
            raise KeyError


def test_a_lock_file_that_was_removed_is_no_lock(tmp_path: Path) -> None:
    """Whoever waits for a file that somebody removes goes on to the new one, which others have."""
    lock = DeviceLock("cpu", folder=tmp_path)
    with lock.shared():
        for path in tmp_path.iterdir():
            path.unlink()
    with lock.shared(), pytest.raises(MeasurementError), lock.exclusive(wait_seconds=0.0):
        pass


def test_a_file_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    lock = DeviceLock("cpu", folder=tmp_path)
    with lock.shared():
        names = sorted(path.name for path in tmp_path.iterdir())
    assert all("cpu" in name for name in names)
    target = tmp_path / "precious"
    (tmp_path / names[0]).unlink()
    (tmp_path / names[0]).symlink_to(target)
    with pytest.raises(OutputError, match="cannot open the lock file"), lock.shared():
        pass
    assert not target.exists()
