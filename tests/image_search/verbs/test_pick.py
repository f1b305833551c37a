"""Which network of a finished search to take, asked on the command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from image_search.finished import read_run
from run_search import main


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    assert main(["pick", *words, "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_a_run_is_read_from_its_folder_as_it_was_reported(searched: Callable[[int], Path]) -> None:
    folder = searched(0)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    _, result = read_run(folder)
    table = pd.read_csv(folder / "pareto.csv")
    assert list(result.front.trials) == list(table["trial"])
    assert [result.estimates[number].mean for number in result.front.trials] == pytest.approx(
        list(table["expected_accuracy"]), abs=1e-3
    )
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before


def test_the_best_network_within_a_limit_is_picked(
    searched: Callable[[int], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = searched(0)
    trials = pd.read_csv(folder / "trials.csv")
    for limit in sorted(trials["macs"]):
        found = asked(capsys, str(folder), "--max_macs", str(limit))
        within = trials[trials["macs"] <= limit]
        best = within["expected_accuracy"].max()
        assert found["expected_accuracy"] == pytest.approx(best, abs=1e-3)
        assert within.set_index("trial").loc[found["trial"], "expected_accuracy"] == pytest.approx(best, abs=1e-3)
        assert found["rule"] == "limits"


def test_without_limits_it_is_the_recommendation_of_the_report(
    searched: Callable[[int], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = searched(0)
    found = asked(capsys, str(folder))
    assert main(["pick", str(folder)]) == 0
    told = capsys.readouterr().out
    assert f"Trial {found['trial']} is recommended" in told
    assert f"Trial {found['trial']} is recommended" in (folder / "report.html").read_text()
    assert str(folder / "models" / str(found["trial"])) in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--max_macs", "5"], "no network of this search within macs=5"),
        (["--max_latency", "5"], "has not recorded latency"),
        (["--max_macs", "many"], "--max_macs"),
    ],
)
def test_a_limit_that_nobody_meets_is_one_line(
    words: list[str], told: str, searched: Callable[[int], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pick", str(searched(0)), *words]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("missing", ["pareto.json", "config.yaml", "study.db"])
def test_a_folder_that_is_no_run_is_one_line(
    missing: str, searched: Callable[[int], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(searched(0), folder)
    (folder / missing).unlink()
    assert main(["pick", str(folder)]) == 2
    assert f"holds no results of a search: there is no {missing}" in capsys.readouterr().err


def test_a_moved_folder_without_weights_says_so(
    searched: Callable[[int], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "moved"
    shutil.copytree(searched(0), folder, ignore=shutil.ignore_patterns("models", "checkpoints"))
    assert main(["pick", str(folder), "--max_macs", "1e9"]) == 0
    assert "No weights of it are kept" in capsys.readouterr().out
