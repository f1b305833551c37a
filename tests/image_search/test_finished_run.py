"""What a finished run says to a command with other settings, and what it shows below a limit that it was not made with."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pandas as pd
import pytest

from nas.study.storage import close_storage, open_storage, sqlite_url
from nas.study.stored_identity import TOLD
from nas.study.stored_study import IDENTITY
from run_search import main, search
from tests.image_search.test_run_search import flags, small


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("finished") / "run"
    search(small(output, trials=3))
    return output


def command(output: Path, *more: str) -> list[str]:
    return [*flags(small(output, trials=3)), *more]


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "search.lock")
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--data.validation_share", "0.2"), "data.validation_share: there 0.1, asked 0.2."),
        (("--data.train_limit", "500"), "data.train_limit: there None, asked 500."),
        (("--search.seed", "7"), "search.seed: there 0, asked 7."),
        (
            ("--data.validation_share", "0.2", "--data.image_size", "16"),
            "data.image_size: there 8, asked 16; data.validation_share: there 0.1, asked 0.2.",
        ),
    ],
)
def test_a_changed_split_is_refused_by_the_setting_and_both_values(
    run_folder: Path, more: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(run_folder, *more)) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert "was made with other images, or another split of them, nothing was changed: " + told in line


def test_a_limit_on_a_finished_run_says_how_to_see_what_is_below_it_and_that_way_works(
    run_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trials = pd.read_csv(run_folder / "trials.csv")
    most = int(sorted(trials["macs"])[0])
    within = sum(trials["macs"] <= most)
    assert within < len(trials)
    before = contents(run_folder)

    assert main(command(run_folder, "--search.limits", f"macs={most}")) == 2
    (refused,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert f"search.max_macs: there None, asked {most}" in refused
    shown = f"--report_below macs={most}"
    assert f"what this study has below the limit is shown by {shown} in its place" in refused

    assert main(command(run_folder, *shown.split())) == 0
    told = capsys.readouterr().out
    assert f"{within} of 3 trials have at most macs={most}; nothing was trained or changed." in told
    rows = {int(line.split()[0]) for line in told.splitlines() if line[:6].strip().isdigit()}
    assert rows
    assert rows <= set(trials[trials["macs"] <= most]["trial"])
    assert contents(run_folder) == before


def test_what_cannot_be_shown_below_a_limit_is_one_line(
    run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, told in (
        (command(run_folder, "--report_below", "memory=5"), "has not recorded memory; allowed: macs, params"),
        (command(run_folder, "--report_below", "size=5"), "--report_below: unknown cost 'size'"),
        (command(run_folder, "--report_below", ","), "--report_below: must be name=number"),
        (command(tmp_path / "none", "--report_below", "macs=5"), "there is no search in"),
    ):
        assert main(arguments) == 2
        assert told in capsys.readouterr().err
    assert main(command(run_folder, "--report_below", "macs=5")) == 0
    assert "there is no front" in capsys.readouterr().out
    assert not (tmp_path / "none").exists()


def test_a_study_from_before_these_settings_were_kept_is_continued(run_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(run_folder, tmp_path / "older")
    storage = open_storage(sqlite_url(tmp_path / "older" / "study.db"))
    study = storage.get_study_id_from_name("search")
    identity = storage.get_study_user_attrs(study)[IDENTITY]
    kept = {name: value for name, value in identity.items() if not name.startswith(TOLD)}
    assert len(kept) < len(identity)
    storage.set_study_user_attr(study, IDENTITY, kept)
    close_storage(storage)

    assert main(command(tmp_path / "older")) == 0
