"""Searches compared with the unchanged networks of no greater cost, for real and by closed forms."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.trainings import Key, Record
from benchmarks.versus_unchanged import main, table
from nas.search.result import SearchResult
from tests.nas.report.conftest import build_result, build_trial


def searched(*gains: float) -> SearchResult:
    """An unchanged network, and on the front changed ones that are better and cost more."""
    changed = [
        build_trial(number, accuracy=50.0 + gain, macs=1e6 + number, architecture={"stage1.mixer": "dynamic"})
        for number, gain in enumerate(gains, 1)
    ]
    return build_result([build_trial(0, accuracy=50.0, baseline="unchanged"), *changed])


def measured(search: int, *accuracies: float) -> dict[Key, Record]:
    return {
        (search, trial, 1000 + repeat): {"test_accuracy": accuracy + (-1) ** repeat}
        for trial, accuracy in enumerate(accuracies)
        for repeat in range(2)
    }


def test_a_search_counts_by_the_mean_over_its_front() -> None:
    results = [searched(1.0, 3.0), searched(4.0)]
    rows = table(results, {**measured(0, 50.0, 49.0, 52.0), **measured(1, 50.0, 51.5)}).splitlines()
    assert rows[2] == "| 0 | +0.00 | 1.00 of the cost | 1 | 2 of 3 | 1.00 of theirs | +2.00 | +0.50 |"
    assert rows[3] == "| 1 | +0.00 | 1.00 of the cost | 1 | 1 of 2 | 1.00 of theirs | +4.00 | +1.50 |"
    # Two numbers, 2 and 4: a standard error of 1 and Student's t with one degree of freedom, 12.71.
    assert rows[4] == "| all | +0.00 ± 0.00 | 1.00 of the cost | | | | +3.00 ± 12.71 | +1.00 ± 6.35 |"


def test_a_front_without_changed_networks_of_greater_cost_is_told() -> None:
    cheapest = build_trial(0, accuracy=60.0, macs=1e5, architecture={"stage1.mixer": "dynamic"})
    given = build_trial(1, accuracy=70.0, macs=2e6, baseline="unchanged")
    better = build_trial(2, accuracy=73.0, macs=1e6)
    result = build_result([cheapest, given, better])
    assert table([result], {}).splitlines()[2] == "| 0 | +3.00 | 0.50 of the cost | 2 | none of 2 | | | |"


@pytest.mark.slow
def test_searches_are_run_compared_and_continued(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = [
        *("--searches", "2", "--retrainings", "1", "--output", str(tmp_path / "out")),
        *("--search.trials", "6", "--train.epochs", "2", "--device", "cpu"),
    ]
    assert main(flags) == 0
    first = capsys.readouterr().out
    assert "| all |" in first
    records = (tmp_path / "out" / "again" / "runs.jsonl").read_text()
    assert main(flags) == 0
    assert capsys.readouterr().out == first
    assert (tmp_path / "out" / "again" / "runs.jsonl").read_text() == records, "nothing is trained again"
