import itertools
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import optuna
import pytest

from nas.candidate import Candidate
from nas.cost_rule import CostRule
from nas.errors import StudyError
from nas.records import Trial
from nas.samplers.distributions import distributions
from nas.search.problem import SearchProblem
from nas.study.migration import open_study
from nas.study.patience import AWAY_SECONDS, PAUSE_SECONDS
from nas.study.postgresql import CONNECT_SECONDS
from nas.study.storage import BUSY_SECONDS, open_storage, sqlite_url
from nas.study.stored_study import find_study
from nas.study.study import Study
from nas.study.study_holder import RENEW_SECONDS, STALE_SECONDS
from nas.values.redaction import redact
from tests.postgresql_server import PASSWORD, PostgresqlServer, postgresql_server
from tests.toy_search import ToySpace, finish, run_inline, toy_costs, toy_driver, toy_objectives

KINDS = ("sqlite", "journal", "postgresql")
NAMES = map("study{}".format, itertools.count())


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    with postgresql_server() as server:
        yield server


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        made: str = request.getfixturevalue("server").new_database(next(NAMES))
        return made
    return sqlite_url(tmp_path / "study.db") if request.param == "sqlite" else f"journal:{tmp_path / 'study.journal'}"


def toy_study(url: str, told: list[str] | None = None) -> Study:
    space = ToySpace()
    identity = {"space.name": "toy"}
    tell = (lambda _text: None) if told is None else told.append
    return Study(open_storage(url), "toy", toy_objectives(), identity, distributions(space.dimensions), tell=tell)


def searched(url: str, folder: Path, trials: int = 12) -> list[Trial]:
    study = toy_study(url)
    run_inline(toy_driver(folder, study=study, trials=trials, sampler="nsga2", limits={"macs": 2e6}))
    study.close()
    return list(study)


def test_a_search_has_the_same_trials_in_every_storage_also_when_resumed(url: str, tmp_path: Path) -> None:
    expected = searched(sqlite_url(tmp_path / "reference.db"), tmp_path)
    searched(url, tmp_path, trials=5)
    assert searched(url, tmp_path) == expected
    study = toy_study(url)
    assert list(study) == expected


def test_a_study_that_names_a_setting_as_it_was_called_before_goes_on(tmp_path: Path) -> None:
    problem = SearchProblem(space=ToySpace(), costs=toy_costs, limits={}, seed=0)
    url = sqlite_url(tmp_path / "study.db")

    def opened(identity: dict[str, Any]) -> Study:
        return open_study(open_storage(url), "toy", toy_objectives(), identity, problem, CostRule(costs=toy_costs))

    opened({"space.name": "toy", "latency.batch": 4}).close()
    opened({"space.name": "toy", "search.inference_batch": 4}).close()
    with pytest.raises(StudyError, match=r"search\.inference_batch: there 4, asked 8"):
        opened({"space.name": "toy", "search.inference_batch": 8})


def trials_of(url: str, name: str) -> list[Trial]:
    study = find_study(open_storage(url), name, toy_objectives())
    assert study is not None
    return [trial for trial, _ in study.trials]


def test_a_study_is_counted_anew_in_every_storage(url: str, tmp_path: Path) -> None:
    before, space = searched(url, tmp_path), ToySpace()

    def half(candidate: Candidate) -> dict[str, float]:
        return {name: cost / 2 for name, cost in toy_costs(candidate).items()}

    problem = SearchProblem(space=space, costs=half, limits={"macs": 2e6}, seed=0)
    study = open_study(
        open_storage(url), "toy", toy_objectives(), {"space.name": "toy"}, problem, CostRule(costs=half, version=2)
    )
    assert study.name == "toy-2"
    assert [trial.costs for trial in study] == [half(trial.candidate) for trial in before]
    assert [trial.outcome for trial in study] == [trial.outcome for trial in before]
    study.close()
    assert trials_of(url, "toy-2") == list(study)
    assert trials_of(url, "toy") == before


def test_another_search_whose_name_is_that_of_a_successor_is_left_alone(url: str, tmp_path: Path) -> None:
    space, objectives, identity = ToySpace(), toy_objectives(), {"space.name": "toy"}

    def opened(name: str, version: int) -> Study:
        def costs(candidate: Candidate) -> dict[str, float]:
            return {name: cost / version for name, cost in toy_costs(candidate).items()}

        problem = SearchProblem(space=space, costs=costs, limits={}, seed=0)
        return open_study(
            open_storage(url), name, objectives, identity, problem, CostRule(costs=costs, version=version)
        )

    for name, trials in (("toy", 5), ("toy-2", 3)):
        study = opened(name, 1)
        run_inline(toy_driver(tmp_path, study=study, trials=trials))
        study.close()
    for version in (2, 3):
        study = opened("toy", version)
        assert (study.name, len(study)) == (f"toy-{version + 1}", 5)
        study.close()
    other = opened("toy-2", 1)
    assert (other.name, len(other)) == ("toy-2", 3)
    other.close()
    assert opened("toy", 3).name == "toy-4"


def test_a_study_that_another_driver_holds_is_refused(url: str) -> None:
    toy_study(url).close()
    storage = open_storage(url)
    sign = {"host": "elsewhere", "pid": 7, "token": "other", "time": time.time()}
    storage.set_study_user_attr(storage.get_study_id_from_name("toy"), "driver", sign)
    with pytest.raises(StudyError, match=r"in use by another running search \(process 7 on elsewhere\)"):
        toy_study(url)


def test_a_trial_that_another_process_added_is_noticed_and_the_search_continues(url: str, tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, study=toy_study(url), trials=4)
    assert driver.next_task() is not None
    storage = open_storage(url)
    (first,) = storage.get_all_trials(study_id := storage.get_study_id_from_name("toy"))
    storage.create_new_trial(study_id, first)
    with pytest.raises(StudyError, match="got a trial 1 that this search did not add"):
        driver.next_task()
    driver = toy_driver(tmp_path, study=toy_study(url), trials=4)
    run_inline(driver)
    assert len(driver.trained()) >= 4


def fail_after(storage: Any, monkeypatch: pytest.MonkeyPatch, *methods: str) -> None:
    """Lets each of the methods do its work the first time, and then lose the answer."""
    for method in methods:
        real = getattr(storage, method)
        lost: list[Any] = []

        def wrapper(*arguments: Any, real: Any = real, lost: list[Any] = lost) -> Any:
            result = real(*arguments)
            if not lost:
                lost.append(result)
                raise OSError("the connection broke")
            return result

        monkeypatch.setattr(storage, method, wrapper)


def test_a_write_whose_answer_was_lost_is_not_done_twice(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nas.study.patience.PAUSE_SECONDS", 0.0)
    expected = searched(sqlite_url(tmp_path / "reference.db"), tmp_path, trials=4)
    told: list[str] = []
    study = toy_study(url, told)
    fail_after(study._storage, monkeypatch, "create_new_trial", "set_trial_user_attr", "set_trial_state_values")
    run_inline(toy_driver(tmp_path, study=study, trials=4, sampler="nsga2", limits={"macs": 2e6}))
    study.close()
    assert list(toy_study(url)) == expected
    assert [text.partition("(")[0] for text in told[::2]] == ["the study's storage is unavailable "] * 3
    assert ["is back after" in text for text in told[1::2]] == [True] * 3


@contextmanager
def as_soon_as_it_is_away(told: list[str], mend: Callable[[], object]) -> Iterator[None]:
    """Mends a storage, in another thread, when it is told to be away."""

    def wait() -> None:
        while not told and not over.wait(0.01):
            pass
        mend()

    over = threading.Event()
    mender = threading.Thread(target=wait)
    mender.start()
    try:
        yield
    finally:
        over.set()
        mender.join()


def test_a_server_that_is_stopped_and_started_again_loses_no_trial(server: PostgresqlServer, tmp_path: Path) -> None:
    expected = searched(sqlite_url(tmp_path / "reference.db"), tmp_path, trials=6)
    url = server.new_database(next(NAMES))
    told: list[str] = []
    study = toy_study(url, told)
    driver = toy_driver(tmp_path, study=study, trials=6, sampler="nsga2", limits={"macs": 2e6})
    for _ in range(2):
        task = driver.next_task()
        assert task is not None
        finish(driver, task)
    task = driver.next_task()
    assert task is not None
    server.stop()
    with as_soon_as_it_is_away(told, server.start):
        finish(driver, task)
    run_inline(driver)
    study.close()
    assert list(toy_study(url)) == expected
    assert len(told) == 2
    assert "trying again for 60 s" in told[0]
    assert "s3cr3t" not in told[0]


def test_a_server_that_stays_away_ends_the_search_and_the_same_search_continues(
    server: PostgresqlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nas.study.patience.AWAY_SECONDS", 1.0)
    url = server.new_database(next(NAMES))
    study = toy_study(url)
    driver = toy_driver(tmp_path, study=study, trials=3)
    task = driver.next_task()
    assert task is not None
    server.stop()
    try:
        with pytest.raises(StudyError, match=r"storage failed .* the same command continues") as caught:
            finish(driver, task)
        assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))
        with pytest.raises(StudyError, match="cannot open the study's storage"):
            open_storage(url)
    finally:
        server.start()
    driver = toy_driver(tmp_path, study=toy_study(url), trials=3)
    assert driver.next_task() == task


def test_a_locked_file_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    monkeypatch.setattr("nas.study.storage.BUSY_SECONDS", 0.05)
    monkeypatch.setattr("nas.study.patience.PAUSE_SECONDS", 0.1)
    told: list[str] = []
    study = toy_study(sqlite_url(tmp_path / "study.db"), told)
    driver = toy_driver(tmp_path, study=study, trials=2)
    task = driver.next_task()
    assert task is not None
    other = sqlite3.connect(tmp_path / "study.db", check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    with as_soon_as_it_is_away(told, other.rollback):
        finish(driver, task)
    other.close()
    assert told[0] == "the study's storage is unavailable (database is locked); trying again for 60 s"
    stored = optuna.load_study(study_name="toy", storage=open_storage(sqlite_url(tmp_path / "study.db"))).trials
    assert stored[0].state is optuna.trial.TrialState.COMPLETE


@pytest.mark.parametrize("attempt", [BUSY_SECONDS, CONNECT_SECONDS])
def test_a_driver_that_waits_for_its_storage_is_not_dead_to_others(attempt: float) -> None:
    # Optuna's RDBStorage.create_new_trial: five attempts, and up to two seconds after each but the last.
    adding = 5 * attempt + 4 * 2
    assert RENEW_SECONDS + AWAY_SECONDS + PAUSE_SECONDS + adding < STALE_SECONDS


def test_a_path_with_the_characters_of_urls_and_templates_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a{b}%20c?d#e.db"
    open_storage(sqlite_url(path))
    assert path.exists()


BAD = {
    "nonsense://ann:s3cr3t@host/db": "allowed: sqlite:///FILE, postgresql://",
    "s3cr3t": "allowed: sqlite:///FILE, postgresql://",
    "postgresql:ann:s3cr3t@host/db": "allowed: sqlite:///FILE, postgresql://",
    "postgresql://ann:s3cr3t@host:port/db": "allowed: sqlite:///FILE, postgresql://",
    "postgresql://ann:s3@cr3t@host/db": "write an @ in the password as %40",
    "postgresql://ann:***@host/db": "the password was left out of a written file",
    "postgresql://ann:s3cr3t@127.0.0.1:1/db": "Connection refused",
    "postgresql://ann:s3cr3t@no.host.invalid/db": "no.host.invalid",
    "postgresql://ann@127.0.0.1:1/db?password=s3cr3t": "Connection refused",
    "postgresql+nodriver://ann:s3cr3t@host/db": "nodriver is not installed: pip install",
    "mysql://ann:s3cr3t@host/db": "Failed to import DB access module",
    "sqlite:////dev/null/study.db": "unable to open database file",
    "sqlite:////etc/passwd": "file is not a database",
    "journal:": "the path of the file is missing",
    "journal:/dev/null/study.journal": "Not a directory",
    "journal:/no/such/folder/study.journal": "No such file or directory",
    "journal:/etc/passwd": "it is not a journal of Optuna",
}


@pytest.mark.parametrize("url", BAD)
def test_a_storage_that_cannot_be_opened_is_one_line_that_says_why_without_the_password(url: str) -> None:
    if "127.0.0.1" in url and find_spec("psycopg") is None:
        pytest.skip("no PostgreSQL driver is installed")
    with pytest.raises(StudyError) as caught:
        open_storage(url)
    message = str(caught.value)
    assert BAD[url] in message
    assert len(message.splitlines()) == 1
    if url != "s3cr3t":
        trace = "".join(traceback.format_exception(caught.value))
        assert not any(part in trace for part in ("s3cr3t", "s3@", "cr3t@"))


def test_a_wrong_password_is_told_and_not_shown(server: PostgresqlServer) -> None:
    wrong = "x" + PASSWORD[:6]
    with pytest.raises(StudyError, match="password authentication failed for user") as caught:
        open_storage(server.url(password=wrong))
    assert wrong not in "".join(traceback.format_exception(caught.value))


def test_a_missing_driver_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas.study.postgresql.find_spec", lambda _name: None)
    with pytest.raises(StudyError, match=r"a PostgreSQL storage needs a driver, and psycopg or .*pip install 'psycopg"):
        open_storage("postgresql://ann:s3cr3t@host/db")


def test_another_driver_that_is_installed_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    from nas.study.postgresql import connection

    monkeypatch.setattr("nas.study.postgresql.find_spec", lambda name: object() if name == "pg8000" else None)
    assert connection("postgresql://ann@host/db")[0] == "postgresql+pg8000://ann@host/db"
    assert connection("postgres://ann@host/db")[0] == "postgresql+pg8000://ann@host/db"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql:ann:s3cr3t@host/db", "postgresql:ann:***@host/db"),
        (
            '--search={"storage": "postgresql://ann:s3@t@host/db"}',
            '--search={"storage": "postgresql://ann:***@host/db"}',
        ),
        ("journal:runs/study.journal", "journal:runs/study.journal"),
        ("connection failed: FATAL: no user ann@host", "connection failed: FATAL: no user ann@host"),
    ],
)
def test_a_password_is_hidden_in_any_text(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_the_tests_password_has_what_is_special() -> None:
    assert set("/{}@%") <= set(PASSWORD)
