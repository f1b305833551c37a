"""The benchmark of training steps on a GPU, tried on a CPU."""

from __future__ import annotations

import json

import pytest

from benchmarks.gpu_steps import main


@pytest.mark.slow
def test_a_dry_run_measures_steps_processes_and_a_usual_loop(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--size", "8", "--images", "64", "--batch", "8", "--seconds", "0.1"]
    assert main(["--device", "cpu", "--arms", "fixed,dynamic", "--processes", "2", "--loaders", "1", *small]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith("# ")
    found = [json.loads(line) for line in lines]
    assert [line.get("arm") for line in found] == ["fixed", "fixed", "dynamic", "dynamic", None]
    assert all(line["graph"] > 0 for line in found[:4])
    assert found[-1]["graph over it"] > 0


def test_an_unknown_arm_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--device", "cpu", "--arms", "fixed,nothing"]) == 2
    assert "--arms names 'nothing'; allowed: fixed" in capsys.readouterr().err
