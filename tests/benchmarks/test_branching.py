"""Branched trainings compared with those from the beginning."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.ablation.runs import Run
from benchmarks.branching import main, report, spread, tau_of

ARMS = ("fixed", "dynamic", "gated")


def runs_of(**accuracies: list[float]) -> dict[tuple[str, int], Run]:
    return {
        (arm, seed): Run(
            arm=arm,
            seed=seed,
            channels=(16, 32, 64),
            macs=1,
            params=1,
            readings={"hard": accuracy},
            shuffles={},
            curve=(),
            seconds=36.0,
        )
        for arm, values in accuracies.items()
        for seed, accuracy in enumerate(values)
    }


def test_equal_orders_have_tau_one_and_reversed_ones_minus_one() -> None:
    up = runs_of(fixed=[70.0, 70.5], dynamic=[75.0, 75.5], gated=[80.0, 80.5])
    down = runs_of(fixed=[80.0, 80.5], dynamic=[75.0, 75.5], gated=[70.0, 70.5])
    assert tau_of(up, up, ARMS, range(2)) == (1.0, 1.0, 1.0)
    assert tau_of(up, down, ARMS, range(2)) == (-1.0, -1.0, -1.0)


def test_the_interval_widens_where_seeds_disagree() -> None:
    runs = runs_of(fixed=[70.0, 80.0], dynamic=[75.0, 75.0], gated=[80.0, 70.0])
    _, low, high = tau_of(runs, runs, ARMS, range(2))
    assert low < 0 < high


def test_the_spread_is_that_of_the_differences_and_not_of_the_accuracies() -> None:
    assert spread(runs_of(fixed=[60.0, 80.0], dynamic=[61.0, 81.0]), ("fixed", "dynamic"), range(2)) == 0
    apart = runs_of(fixed=[60.0, 60.0], dynamic=[61.0, 63.0], gated=[62.0, 62.0])
    assert spread(apart, ARMS, range(2)) == pytest.approx(1.0)


def test_the_report_has_both_differences() -> None:
    scratch, branched = runs_of(fixed=[70.0, 70.0], gated=[71.0, 73.0]), runs_of(fixed=[60.0, 60.0], gated=[59.0, 60.0])
    text = report(scratch, branched, ("fixed", "gated"), range(2))
    assert "| gated | 72.00 | +2.00 | 59.50 | -0.50 |" in text


@pytest.mark.parametrize(("flag", "value"), [("--arms", "dynamic"), ("--arms", "fixed,none"), ("--pairs", "1")])
def test_what_cannot_be_compared_is_refused(
    flag: str, value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--root", "nowhere", "--output", str(tmp_path / "out"), flag, value]) == 2
    assert f"error: {flag} is {value}; allowed: " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
