from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import torch

from evaluator.training.checkpoint import Checkpoints, Saved
from evaluator.training.disk_budget import DiskBudget
from image_search.command_line import WEIGHTLESS
from nas.errors import OutputError
from nas.output.disk_usage import folder_size
from nas.records import Evaluation, Measurement
from run_search import main

CPU = torch.device("cpu")
EVALUATION = Evaluation(measurements={"accuracy": Measurement(mean=50.0, std=50.0, n=4)}, seconds=2.0, epochs=4)


def saved(epochs: int, floats: int) -> Saved:
    return Saved(epochs=epochs, seconds=1.0, curve=[], states={"model": {"w": torch.zeros(floats)}})


def epochs_in(checkpoints: Checkpoints) -> int:
    loaded = checkpoints.load(CPU)
    assert loaded is not None
    return loaded.epochs


def test_a_checkpoint_that_does_not_fit_leaves_the_older_one(tmp_path: Path) -> None:
    budget = DiskBudget(tmp_path, 30_000)
    checkpoints = Checkpoints(tmp_path / "7", {"digest": "abc"}, budget=budget)
    checkpoints.save(saved(1, 2_000))
    checkpoints.save(saved(2, 2_000))  # the old and the new one fit side by side
    assert epochs_in(checkpoints) == 2
    checkpoints.save(saved(3, 6_000))
    assert epochs_in(checkpoints) == 2
    assert folder_size(tmp_path) <= 30_000


def test_a_finished_network_takes_the_place_of_its_checkpoint_or_is_not_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    budget = DiskBudget(tmp_path, 30_000)
    first = Checkpoints(tmp_path / "1", {"digest": "abc"}, budget=budget)
    first.save(saved(3, 5_000))
    first.finish({"w": torch.zeros(4_000)}, EVALUATION)
    assert first.finished() == EVALUATION
    second = Checkpoints(tmp_path / "2", {"digest": "def"}, budget=budget)
    second.finish({"w": torch.zeros(4_000)}, EVALUATION)
    assert second.finished() is None
    assert "does not fit into the checkpoint budget" in caplog.text
    assert folder_size(tmp_path) <= 30_000


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    checkpoints = Checkpoints(tmp_path / "file" / "7", {}, budget=DiskBudget(tmp_path / "file", 1000))
    with pytest.raises(OutputError, match="checkpoints cannot be written"):
        checkpoints.save(saved(1, 1))


@pytest.mark.slow
def weightless(folder: Path) -> list[int]:
    """Networks of the front for whose weights there was no room."""
    front = [member["trial"] for member in json.loads((folder / "pareto.json").read_text())["members"]]
    return [number for number in front if not (folder / "models" / str(number) / "weights.pt").exists()]


@pytest.mark.slow
def test_a_search_stays_within_its_budget_and_is_continued(tmp_path: Path) -> None:
    budget, sizes, done = 300_000, [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            sizes.append(folder_size(tmp_path / "search" / "checkpoints"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    flags = ["--output", str(tmp_path / "search"), "--train.epochs", "2", "--search.checkpoint_budget_gb", "0.0003"]
    try:
        for trials in ("3", "4"):
            code = main([*flags, "--search.trials", trials])
            assert code == (WEIGHTLESS if weightless(tmp_path / "search") else 0)
    finally:
        done.set()
        watcher.join()
    assert 0 < max(sizes) <= budget
    assert (tmp_path / "search" / "report.html").exists()
