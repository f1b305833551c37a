"""What a search shows while it runs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from nas.engines.local import LocalEngine
from nas.engines.packing import DeviceUse
from nas.records import Progress
from nas.watchers.gpu_use import GpuUse
from nas.watchers.progress import ProgressDisplay
from tests.toy_search import run_inline, toy_driver, toy_worker


def test_a_line_a_trial_tells_what_ended_how_fast_and_what_is_packed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    driver = toy_driver(tmp_path, trials=8)
    use = DeviceUse(device="here, GPU 1", held=3 * 10**9, capacity=8 * 10**9, training=2, waiting=1)
    with ProgressDisplay(driver, 3, lambda: [use], lambda: (87.0, 3.0)) as display:
        engine = LocalEngine(toy_worker(tmp_path / "work", failing=(64,)), workers=2, logs=tmp_path / "logs")
        engine.run(driver, display.update)
        ended = display.details()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "starting 1 worker", "before anything else, which takes seconds"
    assert lines[1].startswith("training trial ")
    assert "/8 trials, front " in lines[2]
    assert ", best " in lines[-1]
    assert lines[-1].startswith("8/8 trials, front ")
    failed = sum(trial.state == "failed" for trial in driver.trials if trial.reused_from is None)
    assert failed > 0
    assert ended.startswith(f"0 running, {8 - failed} finished, {failed} failed; ")
    assert ended.endswith("epochs/s; here, GPU 1: 2 on 3 of 8 GB, 1 waiting for room; GPUs 87% 3% busy")


def test_workers_are_announced_before_any_of_them_is_ready_and_trainings_with_their_epoch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    driver = toy_driver(tmp_path, trials=2, epochs=3)
    with ProgressDisplay(driver, 3, workers=2) as display:
        assert capsys.readouterr().err == "starting 2 workers\n"
        display.update()
        assert capsys.readouterr().err == "", "nothing is in training yet"
        task = driver.next_task()
        assert task is not None
        driver.on_progress(Progress(trial=task.trial, epochs=0))
        display.update()
        assert capsys.readouterr().err == f"training trial {task.trial}: epoch 1/3\n"
        driver.on_progress(Progress(trial=task.trial, epochs=1))
        display.update()
        assert capsys.readouterr().err == "", "on no terminal one line a trial is enough"


def test_a_search_with_nothing_to_train_starts_no_worker(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    driver = toy_driver(tmp_path, trials=1)
    run_inline(driver)
    capsys.readouterr()
    with ProgressDisplay(driver, 3, workers=2) as display:
        display.update()
    assert "starting" not in capsys.readouterr().err


@pytest.mark.parametrize(("says", "percent"), [("echo 87; echo 3", (87.0, 3.0)), ("echo [N/A]", ()), ("exit 9", ())])
def test_the_use_of_gpus_is_what_nvidia_smi_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, percent: tuple[float, ...]
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{says}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with GpuUse() as use:
        deadline = time.monotonic() + 120
        while use.percent != percent and time.monotonic() < deadline:
            time.sleep(0.01)
    assert use.percent == percent


def test_without_nvidia_smi_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with GpuUse() as use:
        pass
    assert use.percent == ()
