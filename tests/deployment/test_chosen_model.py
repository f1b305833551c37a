from __future__ import annotations

from pathlib import Path

import pytest

from deployment.chosen_model import choose
from nas.errors import OutputError


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """An output folder with three networks on its front, of which one has lost its weights."""
    for trial in (3, 12, 7):
        folder = tmp_path / "run" / "models" / str(trial)
        folder.mkdir(parents=True)
        (folder / "candidate.json").write_text("{}")
        if trial != 7:
            (folder / "weights.pt").write_bytes(b"")
    (tmp_path / "run" / "config.yaml").write_text("data: {name: digits}\n")
    rows = ["trial,accuracy,expected_accuracy", "3,99.0,70.5", "12,80.0,81.25", "7,99.9,99.0"]
    (tmp_path / "run" / "pareto.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "run"


def test_without_a_trial_the_most_accurate_with_weights_is_taken(run: Path) -> None:
    chosen = choose(run, None)
    assert (chosen.folder, chosen.run, chosen.name) == (run / "models" / "12", run, "run_12")
    assert "the most accurate" in chosen.why
    assert "by expected accuracy" in chosen.why
    assert "there are 3, 12" in chosen.why
    assert chosen.row["accuracy"] == "80.0"


def test_a_trial_is_taken_by_its_number(run: Path) -> None:
    assert choose(run, 3).folder == run / "models" / "3"


@pytest.mark.parametrize("trial", [7, 99])
def test_a_trial_without_weights_is_refused_with_those_that_have(run: Path, trial: int) -> None:
    with pytest.raises(OutputError, match=rf"trial {trial} has no weights in .*: there are 3, 12$"):
        choose(run, trial)


def test_a_model_knows_its_run_unless_it_was_moved_away(run: Path, tmp_path: Path) -> None:
    chosen = choose(run / "models" / "3", None)
    assert (chosen.run, chosen.name) == (run.resolve(), "run_3")
    moved = (run / "models" / "3").rename(tmp_path / "mine")
    assert (choose(moved, None).run, choose(moved, None).name) == (None, "mine")
    with pytest.raises(OutputError, match="is a single model; leave out --trial"):
        choose(moved, 3)


@pytest.mark.parametrize(
    ("path", "message"),
    [("nowhere", "is no folder"), (".", "is no output folder of a search"), ("a\0b", "holds a NUL character")],
)
def test_what_is_no_folder_of_a_search_is_refused(tmp_path: Path, path: str, message: str) -> None:
    with pytest.raises(OutputError, match=message):
        choose(tmp_path / path, None)


def test_a_front_without_weights_is_refused(run: Path) -> None:
    for path in run.glob("models/*/weights.pt"):
        path.unlink()
    with pytest.raises(OutputError, match="holds no network with its weights"):
        choose(run, None)
