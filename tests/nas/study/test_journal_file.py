import json
from collections.abc import Callable
from pathlib import Path

import pytest
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._base import BaseJournalSnapshot
from optuna.study import StudyDirection

from nas.errors import StudyError
from nas.samplers.distributions import distributions
from nas.study.journal_file import open_journal
from nas.study.storage import open_storage
from nas.study.study import Study
from tests.toy_search import ToySpace, finish, toy_driver, toy_objectives

MAXIMIZE = [StudyDirection.MAXIMIZE]


def test_nothing_of_a_journal_file_is_unpickled(tmp_path: Path) -> None:
    assert not issubclass(JournalFileBackend, BaseJournalSnapshot)
    open_journal(str(tmp_path / "j")).create_new_study(MAXIMIZE, "a")
    assert [json.loads(line)["op_code"] for line in (tmp_path / "j").read_text().splitlines()] == [0]


@pytest.mark.parametrize("torn", ['{"op_code":0,"worker', "{", '{"op_code":0,"x":"' + "y" * 200_000])
def test_a_journal_whose_last_line_is_torn_goes_on_after_the_last_whole_one(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "study.journal"
    open_journal(str(path)).create_new_study(MAXIMIZE, "a")
    with path.open("a") as journal:
        journal.write(torn)
    open_journal(str(path)).create_new_study(MAXIMIZE, "b")
    assert [study.study_name for study in open_journal(str(path)).get_all_studies()] == ["a", "b"]


@pytest.mark.parametrize("text", ["a shopping list", '{"studies": []}\n', '{"op_code":"none"}\n', "\n\n"])
def test_a_file_that_holds_something_else_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match="not a journal of Optuna"):
        open_journal(str(path))
    assert path.read_text() == text


def test_a_relative_path_is_of_the_working_directory_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    storage = open_storage("journal:study.journal")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    storage.create_new_study(MAXIMIZE, "a")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["study.journal"]


def test_a_writer_whose_lock_was_taken_over_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = open_journal(str(tmp_path / "j"))
    monkeypatch.setattr("nas.study.journal_file._cut_torn_line", lambda path: path.with_name("j.lock").unlink())
    with pytest.raises(OSError, match="was taken over by another process"):
        storage.create_new_study(MAXIMIZE, "a")


def halved(journal: Path) -> None:
    with journal.open("r+b") as file:
        file.truncate(journal.stat().st_size // 2)


def halved_and_grown(journal: Path) -> None:
    """Cut, and written by another process until it is longer than before."""
    size = journal.stat().st_size
    halved(journal)
    other = open_journal(str(journal))
    while journal.stat().st_size <= size:
        other.set_study_user_attr(0, "other", "x" * 100)


def replaced(journal: Path) -> None:
    content = journal.read_bytes().replace(b"1", b"2")
    journal.unlink()
    journal.write_bytes(content)


@pytest.mark.parametrize("change", [halved, halved_and_grown, replaced, Path.unlink])
def test_a_journal_that_is_cut_under_a_running_driver_is_one_line_that_names_it(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    journal = tmp_path / "study.journal"
    identity = {"space.name": "toy"}
    study = Study(
        open_storage(f"journal:{journal}"), "toy", toy_objectives(), identity, distributions(ToySpace().dimensions)
    )
    driver = toy_driver(tmp_path, study=study, trials=6)
    for _ in range(3):
        task = driver.next_task()
        assert task is not None
        finish(driver, task)
    change(journal)
    left = journal.read_bytes() if journal.exists() else None
    for action in (driver.next_task, study.close):
        with pytest.raises(StudyError) as caught:
            action()
        assert str(journal) in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1
    assert (journal.read_bytes() if journal.exists() else None) == left


def test_a_journal_that_another_process_writes_too_is_no_cut_one(tmp_path: Path) -> None:
    first, second = (open_journal(str(tmp_path / "j")) for _ in range(2))
    first.create_new_study(MAXIMIZE, "a")
    second.create_new_study(MAXIMIZE, "b")
    first.create_new_study(MAXIMIZE, "c")
    for storage in (first, second):
        assert [study.study_name for study in storage.get_all_studies()] == ["a", "b", "c"]
