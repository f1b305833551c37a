from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from evaluator.images.data import prepare
from evaluator.settings import DataSettings
from nas.records import Evaluation
from tests.evaluator.train_digits import make_evaluator, make_task

EPOCHS = 40


def test_a_process_killed_in_the_middle_is_continued_bit_for_bit(cache: Path, tmp_path: Path) -> None:
    prepare(DataSettings(cache=str(cache)), seed=0)
    command = [sys.executable, "-m", "tests.evaluator.train_digits", str(cache), str(tmp_path / "killed"), str(EPOCHS)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "4\n":
                break
        time.sleep(0.02)  # any moment will do: between two epochs, within one, or while a checkpoint is written
        process.send_signal(signal.SIGKILL)
    told: list[int] = []
    resumed = make_evaluator(str(cache), str(tmp_path / "killed")).evaluate(
        make_task(EPOCHS), lambda progress: told.append(progress.epochs)
    )
    whole = make_evaluator(str(cache), str(tmp_path / "whole")).evaluate(make_task(EPOCHS), lambda progress: None)
    assert 4 <= told[0] < EPOCHS
    assert isinstance(resumed, Evaluation)
    assert isinstance(whole, Evaluation)
    assert (resumed.measurements, resumed.details) == (whole.measurements, whole.details)
    weights = [torch.load(tmp_path / name / "1" / "weights.pt", weights_only=True) for name in ("killed", "whole")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[1])
