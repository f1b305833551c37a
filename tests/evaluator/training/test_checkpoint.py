from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch

from evaluator.training.checkpoint import Checkpoints, Saved
from nas.errors import OutputError
from nas.records import Evaluation, Measurement

CPU = torch.device("cpu")
SAVED = Saved(epochs=3, seconds=1.5, curve=[{"epoch": 1, "loss": 2.0}], states={"model": {"w": torch.arange(3.0)}})
EVALUATION = Evaluation(measurements={"accuracy": Measurement(mean=50.0, std=50.0, n=4)}, seconds=2.0, epochs=4)


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "7", {"digest": "abc", "seed": 0})


def test_what_was_saved_is_loaded(checkpoints: Checkpoints) -> None:
    checkpoints.save(SAVED)
    loaded = checkpoints.load(CPU)
    assert loaded is not None
    assert (loaded.epochs, loaded.seconds, loaded.curve) == (SAVED.epochs, SAVED.seconds, SAVED.curve)
    assert torch.equal(loaded.states["model"]["w"], torch.arange(3.0))
    assert [file.name for file in checkpoints.folder.iterdir()] == ["last.pt"]


def test_without_a_checkpoint_nothing_is_loaded_and_nothing_is_said(
    checkpoints: Checkpoints, caplog: pytest.LogCaptureFixture
) -> None:
    assert checkpoints.load(CPU) is None
    assert checkpoints.finished() is None
    assert not caplog.records


def test_a_checkpoint_of_another_training_is_ignored_with_a_warning(
    checkpoints: Checkpoints, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints.save(SAVED)
    with caplog.at_level(logging.WARNING):
        assert Checkpoints(checkpoints.folder, {"digest": "abc", "seed": 1}).load(CPU) is None
    assert "belongs to another training" in caplog.text


@pytest.mark.parametrize("damage", ["empty", "noise", "cut", "no dictionary", "code"])
def test_a_broken_checkpoint_is_ignored_with_a_warning(
    checkpoints: Checkpoints, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    checkpoints.save(SAVED)
    file = checkpoints.folder / "last.pt"
    whole = file.read_bytes()
    if damage in ("no dictionary", "code"):
        torch.save([1, 2] if damage == "no dictionary" else Path, file)
    else:
        content = {"empty": b"", "noise": b"\x00noise" * 99, "cut": whole[: len(whole) // 2]}
        file.write_bytes(content[damage])
    with caplog.at_level(logging.WARNING):
        assert checkpoints.load(CPU) is None
    assert "is broken" in caplog.text


def test_the_end_leaves_the_weights_and_the_outcome_alone(checkpoints: Checkpoints) -> None:
    checkpoints.save(SAVED)
    checkpoints.finish({"w": torch.arange(3.0)}, EVALUATION)
    assert sorted(file.name for file in checkpoints.folder.iterdir()) == ["outcome.json", "weights.pt"]
    assert torch.equal(torch.load(checkpoints.weights, weights_only=True)["w"], torch.arange(3.0))
    assert checkpoints.finished() == EVALUATION


def test_the_outcome_of_another_training_or_one_without_weights_does_not_count(checkpoints: Checkpoints) -> None:
    checkpoints.finish({"w": torch.arange(3.0)}, EVALUATION)
    assert Checkpoints(checkpoints.folder, {"digest": "other"}).finished() is None
    checkpoints.weights.unlink()
    assert checkpoints.finished() is None


def test_a_broken_outcome_is_ignored(checkpoints: Checkpoints) -> None:
    checkpoints.finish({"w": torch.arange(3.0)}, EVALUATION)
    (checkpoints.folder / "outcome.json").write_text('{"identity"')
    assert checkpoints.finished() is None


def test_a_checkpoint_is_due_only_after_a_while(tmp_path: Path) -> None:
    assert not Checkpoints(tmp_path, {}, least_seconds=1000.0).due()
    assert Checkpoints(tmp_path, {}, least_seconds=0.0).due()


def test_a_failed_write_leaves_the_old_checkpoint(checkpoints: Checkpoints) -> None:
    checkpoints.save(SAVED)
    unwritable = Saved(epochs=4, seconds=2.0, curve=[], states={"model": {"w": lambda: None}})
    with pytest.raises(Exception, match="local object"):
        checkpoints.save(unwritable)
    loaded = checkpoints.load(CPU)
    assert loaded is not None
    assert loaded.epochs == 3
    assert [file.name for file in checkpoints.folder.iterdir()] == ["last.pt"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write .*last\.pt"):
        Checkpoints(tmp_path / "file" / "7", {}).save(SAVED)
