import os
from pathlib import Path

import pytest

from nas.errors import OutputError, StudyError
from nas.output import OutputFolder, write_atomically
from nas.storage import open_storage, redact


def test_a_second_driver_on_the_same_folder_is_refused(tmp_path: Path):
    with OutputFolder(tmp_path / "run"), pytest.raises(StudyError, match=f"in use.*{os.getpid()}"):
        OutputFolder(tmp_path / "run").__enter__()


def test_the_lock_is_given_back(tmp_path: Path):
    with OutputFolder(tmp_path / "run"):
        pass
    with OutputFolder(tmp_path / "run") as folder:
        assert folder.path.exists()


def test_an_output_that_cannot_be_a_folder_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(OutputError, match="cannot be written"):
        OutputFolder(tmp_path / "file" / "run").__enter__()


def test_a_file_that_cannot_be_written_is_an_output_error(tmp_path: Path):
    with pytest.raises(OutputError, match="cannot write"):
        write_atomically(tmp_path / "missing" / "file", "text")


def test_models_hold_exactly_the_front(tmp_path: Path):
    with OutputFolder(tmp_path) as folder:
        for number in (1, 2, 3):
            (folder.checkpoints / str(number)).mkdir(parents=True)
            (folder.checkpoints / str(number) / "weights.pt").write_bytes(bytes([number]))
        folder.publish({1: {"a": 1}, 2: {"a": 2}})
        folder.publish({2: {"a": 2}, 3: {"a": 3}})
    assert sorted(path.name for path in folder.models.iterdir()) == ["2", "3"]
    assert (folder.models / "3" / "weights.pt").read_bytes() == bytes([3])
    assert sorted(path.name for path in (folder.models / "3").iterdir()) == ["candidate.json", "weights.pt"]


def test_a_published_model_stays_when_its_checkpoint_is_gone(tmp_path: Path):
    with OutputFolder(tmp_path) as folder:
        (folder.checkpoints / "1").mkdir(parents=True)
        (folder.checkpoints / "1" / "weights.pt").write_bytes(b"w")
        folder.publish({1: {}})
        folder.forget([1])
        folder.publish({1: {}})
    assert (folder.models / "1" / "weights.pt").read_bytes() == b"w"
    assert not (folder.checkpoints / "1").exists()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:s3cr3t@host:5432/db", "postgresql://ann:***@host:5432/db"),
        ("postgresql+psycopg2://ann:p@ss:word@host/db", "postgresql+psycopg2://ann:***@host/db"),
        ("sqlite:////tmp/study.db", "sqlite:////tmp/study.db"),
        ("postgresql://host/db", "postgresql://host/db"),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str):
    assert redact(url) == shown


@pytest.mark.parametrize("url", ["nonsense://ann:s3cr3t@host/db", "postgresql://ann:s3cr3t@127.0.0.1:1/db"])
def test_a_storage_that_cannot_be_opened_is_a_study_error_without_the_password(url: str):
    with pytest.raises(StudyError) as caught:
        open_storage(url)
    assert "s3cr3t" not in str(caught.value)
    assert "***" in str(caught.value)
