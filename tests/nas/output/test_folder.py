import json
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from nas.errors import OutputError, StudyError
from nas.output.folder import OutputFolder
from nas.records import Trial
from nas.search.result import SearchResult
from nas.study.storage import open_storage
from nas.values.redaction import redact
from tests.toy_search import ToySpace, run_inline, toy_driver, toy_objectives


def test_a_second_driver_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with OutputFolder(tmp_path / "run"), pytest.raises(StudyError, match=f"in use.*{os.getpid()}"):
        OutputFolder(tmp_path / "run").__enter__()


def test_the_lock_is_given_back(tmp_path: Path) -> None:
    with OutputFolder(tmp_path / "run"):
        pass
    with OutputFolder(tmp_path / "run") as folder:
        assert folder.path.exists()


def test_an_output_that_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(OutputError, match="cannot be written"):
        OutputFolder(tmp_path / "file" / "run").__enter__()


def test_a_search_that_was_refused_leaves_no_new_folder(tmp_path: Path) -> None:
    for name in ("new", "old"):
        if name == "old":
            (tmp_path / name).mkdir()
        with pytest.raises(StudyError), OutputFolder(tmp_path / name):
            raise StudyError("refused")
    begun = OutputFolder(tmp_path / "begun").__enter__()
    begun.database.touch()
    begun.__exit__(StudyError, StudyError("refused"), None)
    assert {path.name for path in tmp_path.iterdir()} == {"old", "begun"}


def result_of(folder: Path) -> SearchResult:
    """A toy search of four trials, of which all are on the front."""
    driver = toy_driver(folder, trials=4, space=ToySpace(learning_rate=False))
    run_inline(driver)
    return SearchResult(
        trials=driver.trials,
        objectives=toy_objectives(),
        front=driver.front(),
        settings={},
        provenance={},
        space={},
        data={},
    )


def put_weights(folder: OutputFolder, result: SearchResult, numbers: Iterable[int]) -> None:
    """As trainings leave them: a byte, and what they gave."""
    for number in numbers:
        trained, outcome = folder.checkpoints / str(number), result.trials[number].outcome
        assert outcome is not None
        trained.mkdir(parents=True, exist_ok=True)
        (trained / "weights.pt").write_bytes(bytes([number]))
        (trained / "outcome.json").write_text(json.dumps({"identity": {}, "outcome": outcome.to_json()}))


def whole(folder: Path, trial: Trial) -> None:
    """Takes one byte for weights, that of the trial's number."""
    if (folder / "weights.pt").read_bytes() != bytes([trial.number]):
        raise OutputError("not the byte")


def test_models_hold_exactly_the_front(tmp_path: Path) -> None:
    result = result_of(tmp_path / "study")
    members = result.front.trials
    with OutputFolder(tmp_path) as folder:
        put_weights(folder, result, members)
        folder.publish(result, whole)
        assert {path.name for path in folder.models.iterdir()} == {str(number) for number in members}
        less = replace(result.front, trials=members[1:], values=result.front.values[1:])
        folder.publish(replace(result, front=less), whole)
    assert {path.name for path in folder.models.iterdir()} == {str(number) for number in members[1:]}
    last = folder.models / str(members[-1])
    assert (last / "weights.pt").read_bytes() == bytes([members[-1]])
    assert sorted(path.name for path in last.iterdir()) == ["README.md", "candidate.json", "weights.pt"]


def test_a_published_model_stays_when_its_checkpoint_is_gone(tmp_path: Path) -> None:
    result = result_of(tmp_path / "study")
    with OutputFolder(tmp_path) as folder:
        put_weights(folder, result, result.front.trials)
        folder.publish(result, whole)
        folder.forget(result.front.trials)
        folder.publish(result, whole)
    for number in result.front.trials:
        assert (folder.models / str(number) / "weights.pt").read_bytes() == bytes([number])
        assert not (folder.checkpoints / str(number)).exists()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:s3cr3t@host:5432/db", "postgresql://ann:***@host:5432/db"),
        ("postgresql+psycopg2://ann:p@ss:word@host/db", "postgresql+psycopg2://ann:***@host/db"),
        ("sqlite:////tmp/study.db", "sqlite:////tmp/study.db"),
        ("postgresql://host/db", "postgresql://host/db"),
        ("postgresql://host/db?user=ann&password=s3cr3t&x=1", "postgresql://host/db?user=ann&password=***&x=1"),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    assert redact(url) == shown


@pytest.mark.parametrize("url", ["nonsense://ann:s3cr3t@host/db", "postgresql://ann:s3cr3t@127.0.0.1:1/db"])
def test_a_storage_that_cannot_be_opened_is_a_study_error_without_the_password(url: str) -> None:
    with pytest.raises(StudyError) as caught:
        open_storage(url)
    assert "s3cr3t" not in str(caught.value)
    assert "***" in str(caught.value)


def test_a_folder_with_files_of_somebody_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("mine")
    (tmp_path / "models" / "precious").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"holds config\.yaml, models that no search has written"):
        OutputFolder(tmp_path).__enter__()
    assert (tmp_path / "config.yaml").read_text() == "mine"


def test_what_a_person_puts_beside_the_models_stays(tmp_path: Path) -> None:
    result = result_of(tmp_path / "study")
    with OutputFolder(tmp_path / "run") as folder:
        (folder.models / "precious").mkdir(parents=True)
        (folder.models / "7").mkdir()
        folder.publish(result, whole)
        assert (folder.models / "precious").exists()
        assert (folder.models / "7").exists()


def test_members_without_weights_are_told_and_not_published(tmp_path: Path) -> None:
    result = result_of(tmp_path / "study")
    with OutputFolder(tmp_path / "run") as folder:
        put_weights(folder, result, result.front.trials[:1])
        missing = folder.publish(result, whole)
    assert list(missing) == list(result.front.trials[1:])
    assert set(missing.values()) == {
        "its weights are gone, did not fit into --search.checkpoint_budget_gb, or were trained into another output folder"
    }
    assert [path.name for path in folder.models.iterdir()] == [str(result.front.trials[0])]


def broken(folder: Path) -> None:
    (folder / "weights.pt").write_bytes(b"")


def of_another(folder: Path) -> None:
    """The weights and the record of another training, under this number."""
    other = next(path for path in folder.parent.iterdir() if path != folder)
    for name in ("weights.pt", "outcome.json"):
        (folder / name).write_bytes((other / name).read_bytes())


def unnamed(folder: Path) -> None:
    (folder / "outcome.json").unlink()


def named_wrongly(folder: Path) -> None:
    (folder / "outcome.json").write_text("[" * 100_000)


@pytest.mark.parametrize("change", [broken, of_another, unnamed, named_wrongly])
def test_what_is_no_model_of_a_trial_is_not_copied_over_one(change: Callable[[Path], None], tmp_path: Path) -> None:
    result = result_of(tmp_path / "study")
    number = result.front.trials[0]
    with OutputFolder(tmp_path / "run") as folder:
        put_weights(folder, result, result.front.trials)
        assert folder.publish(result, whole) == {}
        change(folder.checkpoints / str(number))
        assert folder.publish(result, whole) == {}
        assert (folder.models / str(number) / "weights.pt").read_bytes() == bytes([number])
        broken(folder.models / str(number))
        (told,) = folder.publish(result, whole).values()
        assert "gone" not in told
        shutil.rmtree(folder.models)
        assert list(folder.publish(result, whole)) == [number]
        assert not (folder.models / str(number)).exists()
