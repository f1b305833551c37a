"""What a search does when it is told to end: real processes, real signals."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from search_spaces import load_model

ROOT = Path(__file__).parents[2]
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


def command(output: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "tests.image_search.waiting_search", "--output", str(output), "--device", "cpu"),
        *(
            "--space.widths",
            "[8]",
            "--space.units",
            "[[1],[1],[1]]",
            "--space.reductions",
            "[4]",
            "--train.epochs",
            "1",
        ),
        *("--search.sampler", "random", "--search.trials", "3", "--search.workers", "1", "--train.batch_size", "256"),
    ]


def as_in_a_shell() -> None:
    """What runs the tests may be deaf to a signal, and would hand that down."""
    for number in CODES:
        signal.signal(number, signal.SIG_DFL)


def begun(arguments: Sequence[str], output: Path, **more: Any) -> subprocess.Popen[str]:
    """A search in which two trainings have ended and the third waits."""
    more = {"stderr": subprocess.PIPE, "preexec_fn": as_in_a_shell, **more}
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, text=True, cwd=ROOT, **more)
    assert soon(lambda: (output / "waits").exists() or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    return process


def soon(condition: Callable[[], bool]) -> bool:
    """Whether it comes to hold, on a machine that may be busy."""
    deadline = time.monotonic() + 240
    while not (holds := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds


def is_whole(output: Path) -> None:
    """Everything that two trained networks give is there."""
    assert (output / "report.html").read_text().rstrip().endswith("</html>")
    assert (output / "pareto.png").stat().st_size > 0
    assert list(pd.read_csv(output / "trials.csv")["state"]) == ["complete", "complete", "running"]
    for number in pd.read_csv(output / "pareto.csv")["trial"]:
        load_model(output / "models" / str(number))


def goes_on(output: Path) -> None:
    """The same command finishes what was begun and trains nothing twice."""
    done_before = pd.read_csv(output / "trials.csv")[:2]
    (output / "go").touch()
    done = subprocess.run(command(output), capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    trials = pd.read_csv(output / "trials.csv")
    assert list(trials["state"]) == ["complete"] * 3
    columns = ["digest", "accuracy", "seconds"]
    pd.testing.assert_frame_equal(trials.loc[:1, columns], done_before[columns])


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_search_as_ctrl_c_does(tmp_path: Path, number: signal.Signals) -> None:
    output = tmp_path / "run"
    with begun(command(output), output) as process:
        process.send_signal(number)
        _, told = process.communicate()
    assert process.returncode == CODES[number], told
    assert f"what is there so far: {output / 'report.html'}" in told
    assert f"stopped by {number.name}; the same command continues" in told
    assert "Traceback" not in told
    is_whole(output)
    goes_on(output)


@pytest.mark.slow
def test_a_signal_to_all_processes_of_a_search_is_the_drivers(tmp_path: Path) -> None:
    """As Slurm and systemd send it: no worker dies of it and costs its trial a try."""
    output = tmp_path / "run"
    with begun([*command(output), "--log.json", "true"], output, start_new_session=True) as process:
        os.killpg(process.pid, signal.SIGTERM)
        _, told = process.communicate()
    assert process.returncode == 143, told
    assert "died" not in told
    is_whole(output)
    assert '"why": "stopped by SIGTERM"' in (output / "events.jsonl").read_text()


@pytest.mark.slow
def test_a_terminal_that_is_closed_ends_a_search_with_its_report(tmp_path: Path) -> None:
    output = tmp_path / "run"
    child, terminal = pty.fork()
    if child == 0:
        as_in_a_shell()
        os.chdir(ROOT)
        os.execv(sys.executable, command(output))
    with open(terminal, "rb", buffering=0, closefd=False) as screen:
        os.set_blocking(terminal, False)
        shown = []

        def waits() -> bool:
            shown.append(screen.read() or b"")
            return (output / "waits").exists() and (output / "trials.csv").exists()

        assert soon(waits), b"".join(shown)
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 129
    is_whole(output)


@pytest.mark.slow
def test_the_report_is_renewed_while_a_search_runs(tmp_path: Path) -> None:
    output = tmp_path / "run"
    with begun(command(output), output) as process:
        csv = output / "trials.csv"
        expected = ["complete", "complete", "running"]
        assert soon(lambda: csv.exists() and list(pd.read_csv(csv)["state"]) == expected)
        assert soon(lambda: (output / "report.html").exists())
        assert process.poll() is None
        process.kill()
        process.communicate()
    assert "</html>" in (output / "report.html").read_text()
    assert (output / "pareto.png").stat().st_size > 0
    assert not (output / "models").exists()
    goes_on(output)
