"""The command, killed several times at random and continued: nothing is repeated, and the test images are opened once."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from image_search.retrain.command import main
from nas.output.json_lines import read_lines
from tests.image_search.retrain.conftest import Copy

KILLS = 4


def begin(run: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.image_search.retrain.eager_retraining", *words(run)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def words(run: Path) -> list[str]:
    return [str(run), "--top", "2", "--epochs", "12", "--seeds", "2", "--workers", "2"]


def signs(run: Path) -> tuple[int, ...]:
    """What changes whenever the command has done something that is to last."""
    folder = run / "retrained"
    files = [*folder.glob("checkpoints/*/*.pt"), folder / "trainings.jsonl", folder / "tested.jsonl"]
    return tuple(file.stat().st_mtime_ns for file in files if file.exists())


@pytest.mark.slow
def test_a_command_that_is_killed_again_and_again_ends_as_one_that_was_not(copied: Copy) -> None:
    whole, killed = copied("whole"), copied("killed")
    assert main(words(whole)) == 0

    rng = random.Random(1)
    for _ in range(KILLS):
        process = begin(killed)
        # After so many signs of progress, wherever that is.
        for _ in range(rng.randint(1, 12)):
            before = signs(killed)
            while process.poll() is None and signs(killed) == before:
                time.sleep(0.005)
        with contextlib.suppress(ProcessLookupError):  # it may have come to its end
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert begin(killed).wait() == 0

    trainings = [line["training"] for line in read_lines(killed / "retrained" / "trainings.jsonl")]
    assert len(trainings) == len(set(trainings)) == len(read_lines(whole / "retrained" / "trainings.jsonl"))
    figures = [
        {
            line["training"]: (line["weights"], line["measurements"])
            for line in read_lines(run / "retrained" / "tested.jsonl")
        }
        for run in (whole, killed)
    ]
    assert {name: found[1] for name, found in figures[0].items()} == {
        name: found[1] for name, found in figures[1].items()
    }
    for run in (whole, killed):
        assert len(read_lines(run / "test_openings.jsonl")) == 1
        assert (run / "retrained.csv").read_text() == (whole / "retrained.csv").read_text()


@pytest.mark.slow
def test_an_opening_that_is_killed_between_two_networks_goes_on(copied: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    from evaluator.testing import TestImages

    run = copied("run")
    measure, measured = TestImages.measure, []

    def killed_at_the_second(images: TestImages, *arguments: object) -> object:
        measured.append(arguments)
        if len(measured) == 2:
            raise KeyboardInterrupt
        return measure(images, *arguments)  # type: ignore[arg-type]

    command = [str(run), "--trials", "0", "--epochs", "1", "--seeds", "3", "--workers", "2"]
    monkeypatch.setattr(TestImages, "measure", killed_at_the_second)
    assert main(command) == 130
    assert len(read_lines(run / "retrained" / "tested.jsonl")) == 1
    assert main(command) == 0
    assert len(measured) == 4  # the first, the one that was stopped, and the two that were left
    assert len(read_lines(run / "retrained" / "tested.jsonl")) == 3
    assert len(read_lines(run / "test_openings.jsonl")) == 1
