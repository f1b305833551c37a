"""The signals that end a search, in processes of their own that do nothing else."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nas.watchers.signals import ENDING, asked_to_stop, ending_signals, held_signals, own_handlers

ROOT = Path(__file__).parents[3]
ENDS = """
import sys, time
from nas.watchers.signals import *
with ending_signals():
    try:
        print("ready", flush=True)
        {body}
    except KeyboardInterrupt:
        stop = asked_to_stop()
        print(stop, flush=True)
        {end}
        sys.exit(stop.exit_code)
"""
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
WAITS = "time.sleep(60)"


def usual() -> None:
    """What runs the tests may be deaf to a signal, and would hand that down."""
    for number in CODES:
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def process(
    body: str = WAITS,
    end: str = "pass",
    words: tuple[str, ...] = (),
    before: Callable[[], object] = usual,
) -> Iterator[subprocess.Popen[str]]:
    code = ENDS.format(body=body, end=end)
    with subprocess.Popen(
        [*words, sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT, preexec_fn=before
    ) as found:
        assert found.stdout is not None
        assert found.stdout.readline() == "ready\n"
        yield found


@pytest.mark.parametrize("number", CODES)
def test_the_exit_code_tells_the_signal(number: signal.Signals) -> None:
    with process() as running:
        running.send_signal(number)
        assert running.communicate()[0] == f"stopped by {number.name}\n"
    assert running.returncode == CODES[number]


def in_a_container() -> tuple[str, ...]:
    """The words before a command that make it the first process of a container."""
    tool = shutil.which("unshare")
    ways = [(tool, "--pid", "--fork"), (tool, "--map-root-user", "--pid", "--fork")] if tool else []
    for words in ways:
        if subprocess.run([*words, "true"], capture_output=True).returncode == 0:
            return (*words, "--kill-child")
    pytest.skip("this machine lets nobody make a namespace of processes (unshare --pid)")


@pytest.mark.parametrize("number", CODES)
def test_the_first_process_of_a_container_hears_them_too(number: signal.Signals) -> None:
    with process(words=in_a_container()) as running:
        [child] = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        status = dict(line.split(":", 1) for line in Path(f"/proc/{child}/status").read_text().splitlines())
        assert status["NSpid"].split()[-1] == "1"
        os.kill(int(child), number)
        assert running.communicate()[0] == f"stopped by {number.name}\n"
    assert running.returncode == CODES[number]


def test_a_second_signal_ends_at_once_with_the_code_of_the_first() -> None:
    with process(end="time.sleep(60)") as running:
        running.send_signal(signal.SIGTERM)
        assert running.stdout is not None
        assert running.stdout.readline() == "stopped by SIGTERM\n"
        while running.poll() is None:
            running.send_signal(signal.SIGINT)
    assert running.returncode == 143


def test_signals_that_come_together_are_one() -> None:
    """As systemd sends SIGHUP behind SIGTERM."""
    after = "import signal; signal.raise_signal(signal.SIGHUP); print('written', flush=True)"
    with process(end=after) as running:
        running.send_signal(signal.SIGTERM)
        assert running.communicate()[0] == "stopped by SIGTERM\nwritten\n"
    assert running.returncode == 143


def test_what_is_ignored_stays_so() -> None:
    def nohup() -> None:
        usual()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with process(before=nohup) as running:
        running.send_signal(signal.SIGHUP)
        assert "SigIgn" in Path(f"/proc/{running.pid}/status").read_text()
        running.send_signal(signal.SIGTERM)
        assert running.communicate()[0] == "stopped by SIGTERM\n"


def test_after_a_terminal_is_closed_nothing_that_is_written_to_it_is_an_error() -> None:
    child, terminal = pty.fork()
    if child == 0:
        usual()
        code = ENDS.format(body=WAITS, end="print('to nobody', flush=True); print('no', file=sys.stderr, flush=True)")
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-c", code])
    assert os.read(terminal, 5) == b"ready"
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 129


@pytest.fixture
def default_handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in ENDING}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, there in before.items():
        signal.signal(number, there)


@pytest.mark.usefixtures("default_handlers")
def test_what_is_held_is_done_to_its_end() -> None:
    done = []

    def held() -> None:
        with held_signals():
            signal.raise_signal(signal.SIGTERM)
            done.append("all of it")

    with ending_signals():
        with pytest.raises(KeyboardInterrupt, match="stopped by SIGTERM"):
            held()
        assert asked_to_stop() is not None
    assert done == ["all of it"]
    assert asked_to_stop() is None
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.usefixtures("default_handlers")
def test_what_is_written_after_the_first_signal_is_not_interrupted_by_it() -> None:
    with ending_signals():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGHUP)
        with held_signals():
            pass


@pytest.mark.usefixtures("default_handlers")
def test_a_handler_of_a_users_own_stays() -> None:
    heard = []
    signal.signal(signal.SIGTERM, lambda number, _frame: heard.append(number))
    with ending_signals():
        signal.raise_signal(signal.SIGTERM)
    assert heard == [signal.SIGTERM]


@pytest.mark.usefixtures("default_handlers")
def test_handlers_of_a_library_do_not_stay_and_others_do() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    try:
        with ending_signals():
            ours = signal.getsignal(signal.SIGTERM)
            with own_handlers():
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                signal.signal(signal.SIGUSR1, signal.SIG_IGN)
                assert signal.getsignal(signal.SIGTERM) == ours
            assert signal.getsignal(signal.SIGTERM) == ours
            assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGUSR1, before)
