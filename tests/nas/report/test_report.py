"""The report as a whole: which files, when, and that its import costs nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nas.errors import OutputError
from nas.records import Failure, FailureKind, TrialState
from nas.report import write_report
from tests.nas.report.conftest import MakeResult, MakeSearch, MakeTrial

FILES = ["config.yaml", "pareto.csv", "pareto.json", "pareto.png", "provenance.json", "report.html", "trials.csv"]


@pytest.mark.parametrize("count", [0, 1, 2, 5, 26])
def test_a_search_of_any_length_gives_all_files(make_search: MakeSearch, tmp_path: Path, count: int) -> None:
    write_report(make_search(count), tmp_path / "new" / "folder")
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == FILES


def test_a_search_in_which_all_failed_says_so(make_result: MakeResult, make_trial: MakeTrial, tmp_path: Path) -> None:
    failure = Failure(kind=FailureKind.DIVERGED, message="loss is NaN")
    trials = [make_trial(number, state=TrialState.FAILED, outcome=failure) for number in range(3)]
    write_report(make_result(trials), tmp_path)
    assert "No network has been trained to the end yet" in (tmp_path / "report.html").read_text()


def test_the_same_search_gives_the_same_tables_but_for_seconds(make_search: MakeSearch, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_report(make_search(18, seed=4), tmp_path / name)
    for name in ("trials.csv", "pareto.csv", "pareto.json"):
        assert (tmp_path / "a" / name).read_text() == (tmp_path / "b" / name).read_text()


def test_a_second_report_replaces_the_first(make_search: MakeSearch, tmp_path: Path) -> None:
    write_report(make_search(8), tmp_path)
    write_report(make_search(12), tmp_path)
    assert len((tmp_path / "trials.csv").read_text().splitlines()) == 13
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES


def test_an_output_that_is_a_file_is_one_clear_error(make_search: MakeSearch, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(OutputError, match=r"cannot write .*taken"):
        write_report(make_search(2), tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"


def test_importing_the_package_loads_the_standard_library_alone() -> None:
    code = (
        "import sys; import nas.report; "
        "heavy = {'pandas', 'matplotlib', 'numpy', 'sklearn', 'torch'} & set(sys.modules); "
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_writing_a_report_never_imports_torch() -> None:
    code = "import sys; sys.modules['torch'] = None; import nas.report.files; import nas.report.console; import nas.report.payload"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
