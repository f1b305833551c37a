"""A search whose study is in PostgreSQL, through the command line: what a person sees, and what is written."""

import time
from collections.abc import Iterator
from pathlib import Path

import optuna
import pandas as pd
import pytest

from nas.study.storage import close_storage, open_storage
from run_search import main
from tests.postgresql_server import PASSWORD, PostgresqlServer, postgresql_server

SMALL = [
    "--space.widths", "[8,12]", "--space.units", "[[1],[1],[1]]", "--space.reductions", "[4]", "--device", "cpu",
    "--search.sampler", "random", "--search.workers", "1", "--train.epochs", "1", "--train.batch_size", "128",
]  # fmt: skip
MEASURED = ["trial", "state", "accuracy", "macs", "params", "digest"]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    with postgresql_server() as server:
        yield server


def secrets(server: PostgresqlServer) -> tuple[bytes, ...]:
    encoded = server.url().partition("ann:")[2].partition("@")[0]
    return PASSWORD.encode(), encoded.encode(), PASSWORD[:6].encode()


@pytest.mark.slow
def test_a_search_in_postgresql_is_continued_equals_that_in_a_file_and_shows_no_password(
    server: PostgresqlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "shared"
    command = [*SMALL, "--output", str(output), "--search.storage", server.url()]
    monkeypatch.setattr("sys.argv", ["run_search.py", *command])
    assert main([*command, "--search.trials", "2"]) == 0
    assert main([*command, "--search.trials", "3"]) == 0
    assert main([*SMALL, "--output", str(tmp_path / "file"), "--search.trials", "3"]) == 0

    shared, file = (pd.read_csv(tmp_path / name / "trials.csv")[MEASURED] for name in ("shared", "file"))
    pd.testing.assert_frame_equal(shared, file)
    assert not (output / "study.db").exists()
    storage = open_storage(server.url())
    assert len(optuna.load_study(study_name="shared", storage=storage).trials) == len(shared)
    sign = {"host": "elsewhere", "pid": 7, "token": "other", "time": time.time()}
    storage.set_study_user_attr(storage.get_study_id_from_name("shared"), "driver", sign)
    close_storage(storage)
    assert main([*command, "--search.trials", "4"]) == 2

    said = capfd.readouterr()
    assert "the study is in use by another running search (process 7 on elsewhere)" in said.err
    told = "".join(said).encode()
    written = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    assert b"postgresql://ann:***@" in written[output / "config.yaml"]
    assert b"postgresql://ann:***@" in written[output / "provenance.json"]
    for secret in secrets(server):
        assert secret not in told
        assert [path for path, content in written.items() if secret in content] == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("@127.0.0.1", "@nowhere.invalid"), "nowhere.invalid"),
        (("/postgres", "/missing"), 'database "missing" does not exist'),
        (("ann:", "ann:x"), "password authentication failed"),
        (("postgresql://", "postgresq://"), "allowed: sqlite:///FILE"),
    ],
)
def test_a_storage_out_of_reach_is_one_line_and_exit_code_2(
    server: PostgresqlServer, tmp_path: Path, capfd: pytest.CaptureFixture[str], change: tuple[str, str], told: str
) -> None:
    url = server.url().replace(*change)
    assert main([*SMALL, "--output", str(tmp_path / "run"), "--search.storage", url]) == 2
    said = capfd.readouterr().err
    assert told in said
    assert "Traceback" not in said
    assert len([line for line in said.splitlines() if "error" in line]) == 1
    assert not any(secret.decode() in said for secret in secrets(server))


@pytest.mark.parametrize("flag", ["--search.trials", "--search.storag", "--search.stopping", "--device", ""])
def test_a_password_under_a_wrong_flag_is_not_shown(flag: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([*([flag] if flag else []), "postgresql://ann:s3cr3t@host/db"]) == 2
    assert "s3cr3t" not in capfd.readouterr().err
