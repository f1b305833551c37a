"""The dashboard beside a search that writes: it answers, and changes nothing."""

import contextlib
import http.client
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from optuna.storages import InMemoryStorage

from nas.errors import StudyError
from nas.samplers.distributions import distributions
from nas.study.storage import open_storage, sqlite_url
from nas.study.study import Study
from nas.watchers.dashboard import main
from tests.toy_search import ToySpace, finish, run_inline, toy_driver, toy_objectives

ROOT = Path(__file__).parents[3]


@contextmanager
def served(url: str) -> Iterator[str]:
    """The dashboard's process on a free port; gives its address."""
    pytest.importorskip(
        "optuna_dashboard", reason="optuna-dashboard is not installed: pip install 'shufflenas[dashboard]'"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "nas.watchers.dashboard", url, "--port", "0"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        assert "http://127.0.0.1:" in said, said + process.stderr.read()
        assert "s3cr3t" not in said
        yield "http://127.0.0.1:" + said.partition("http://127.0.0.1:")[2].partition("/")[0]
    finally:
        process.terminate()
        process.wait()
        process.stderr.close()


def ask(address: str, path: str, method: str = "GET") -> Any:
    body = b"{}" if method in ("POST", "PUT") else None
    with urllib.request.urlopen(urllib.request.Request(address + path, body, method=method), timeout=240) as answer:
        return json.load(answer)


def toy_study(url: str, tell: Callable[[str], object] = lambda _text: None) -> Study:
    space = distributions(ToySpace().dimensions)
    return Study(open_storage(url), "toy", toy_objectives(), {"a": 1}, space, tell=tell)


@pytest.fixture(params=["sqlite", "journal"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return sqlite_url(tmp_path / "study.db") if request.param == "sqlite" else f"journal:{tmp_path / 'study.journal'}"


def test_the_dashboard_follows_a_search_and_does_not_disturb_it(url: str, tmp_path: Path) -> None:
    expected = toy_study(sqlite_url(tmp_path / "reference.db"))
    run_inline(toy_driver(tmp_path, study=expected, trials=8, sampler="nsga2"))
    told: list[str] = []
    study = toy_study(url, told.append)
    driver = toy_driver(tmp_path, study=study, trials=8, sampler="nsga2")
    with served(url) as address, ThreadPoolExecutor(4) as readers:
        (summary,) = ask(address, "/api/studies")["study_summaries"]
        assert summary["study_name"] == "toy"
        trials = f"/api/studies/{summary['study_id']}?after=0"
        while not driver.finished:
            looking = [readers.submit(ask, address, path) for path in ("/api/studies", trials) for _ in range(2)]
            task = driver.next_task()
            assert task is not None
            finish(driver, task)
            assert all(look.result() for look in looking)
        give_up = time.monotonic() + 240  # it reads a study anew every ten seconds
        while len(shown := ask(address, trials)["trials"]) < len(study) and time.monotonic() < give_up:
            time.sleep(0.5)
    assert [trial["number"] for trial in shown] == list(range(len(study)))
    assert told == []
    study.close()
    assert list(toy_study(url)) == list(study) == list(expected)


def test_the_dashboard_refuses_to_change_a_study(url: str) -> None:
    toy_study(url).close()
    with served(url) as address:
        (summary,) = ask(address, "/api/studies")["study_summaries"]
        for method, path in (("DELETE", ""), ("POST", "/rename"), ("PUT", "/note")):
            with pytest.raises(urllib.error.HTTPError, match="405") as refused:
                ask(address, f"/api/studies/{summary['study_id']}{path}", method)
            refused.value.close()
        assert ask(address, "/api/studies")["study_summaries"] == [summary]


def answer_to(address: str, *hosts: str) -> int:
    """The status of an answer to a request with these Host headers."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=240)
    connection.putrequest("GET", "/api/studies", skip_host=True)
    for host in hosts:
        connection.putheader("Host", host)
    connection.endheaders()
    with contextlib.closing(connection), connection.getresponse() as answer:
        assert (answer.status == 200) == (b"study_summaries" in answer.read())
        return answer.status


def test_the_dashboard_answers_no_page_of_another_name(tmp_path: Path) -> None:
    """Whose owner lets it lead to this machine, to read the study through a visitor's browser."""
    url = sqlite_url(tmp_path / "study.db")
    toy_study(url).close()
    with served(url) as address:
        port = address.rpartition(":")[2]
        for own in (f"127.0.0.1:{port}", f"localhost:{port}", "localhost:9000", "LOCALHOST", "127.0.0.1", "[::1]:8080"):
            assert answer_to(address, own) == 200, own
        foreign = ("evil.example", f"evil.example:{port}", "localhost.evil.example", "127.0.0.1.nip.io", "0.0.0.0")
        for other in (*foreign, "192.168.1.7", "", "[", "localhost:x@evil.example", "localhost, evil.example"):
            assert answer_to(address, other) == 403, other
        assert answer_to(address) == 403
        assert answer_to(address, "evil.example", "localhost") == 403


@pytest.mark.parametrize("kind", ["sqlite:///", "journal:"])
def test_a_study_that_is_not_there_is_told_and_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("nas.watchers.dashboard.dashboard", lambda _storage: None)
    assert main([f"{kind}{tmp_path}/none"]) == 2
    assert "there is no study at" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_dashboard_that_is_not_installed_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from nas.watchers.dashboard import dashboard

    monkeypatch.setitem(sys.modules, "optuna_dashboard", None)
    with pytest.raises(StudyError, match=r"pip install 'shufflenas\[dashboard\]'"):
        dashboard(InMemoryStorage())


def test_a_port_that_cannot_be_had_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip(
        "optuna_dashboard", reason="optuna-dashboard is not installed: pip install 'shufflenas[dashboard]'"
    )
    url = sqlite_url(tmp_path / "study.db")
    toy_study(url).close()
    assert main([url, "--port", "99999"]) == 2
    assert "--port 99999" in capsys.readouterr().err
