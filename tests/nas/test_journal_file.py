import json
from pathlib import Path

import pytest
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._base import BaseJournalSnapshot
from optuna.study import StudyDirection

from nas.journal_file import open_journal
from nas.storage import open_storage

MAXIMIZE = [StudyDirection.MAXIMIZE]


def test_nothing_of_a_journal_file_is_unpickled(tmp_path: Path):
    assert not issubclass(JournalFileBackend, BaseJournalSnapshot)
    open_journal(str(tmp_path / "j")).create_new_study(MAXIMIZE, "a")
    assert [json.loads(line)["op_code"] for line in (tmp_path / "j").read_text().splitlines()] == [0]


@pytest.mark.parametrize("torn", ['{"op_code":0,"worker', "{", '{"op_code":0,"x":"' + "y" * 200_000])
def test_a_journal_whose_last_line_is_torn_goes_on_after_the_last_whole_one(tmp_path: Path, torn: str):
    path = tmp_path / "study.journal"
    open_journal(str(path)).create_new_study(MAXIMIZE, "a")
    with path.open("a") as journal:
        journal.write(torn)
    open_journal(str(path)).create_new_study(MAXIMIZE, "b")
    assert [study.study_name for study in open_journal(str(path)).get_all_studies()] == ["a", "b"]


@pytest.mark.parametrize("text", ["a shopping list", '{"studies": []}\n', '{"op_code":"none"}\n', "\n\n"])
def test_a_file_that_holds_something_else_is_left_as_it_is(tmp_path: Path, text: str):
    path = tmp_path / "mine.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match="no journal of Optuna"):
        open_journal(str(path))
    assert path.read_text() == text


def test_a_relative_path_is_of_the_working_directory_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    storage = open_storage("journal:study.journal")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    storage.create_new_study(MAXIMIZE, "a")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["study.journal"]


def test_a_writer_whose_lock_was_taken_over_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    storage = open_journal(str(tmp_path / "j"))
    monkeypatch.setattr("nas.journal_file._cut_torn_line", lambda path: path.with_name("j.lock").unlink())
    with pytest.raises(OSError, match="was taken over by another process"):
        storage.create_new_study(MAXIMIZE, "a")
