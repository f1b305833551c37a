"""Models of the front that were lost or broken, and two searches in one storage, each with real trainings."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import optuna
import pandas as pd
import pytest
import torch

from evaluator.settings import DataSettings, TrainSettings
from image_search.command_line import WEIGHTLESS
from image_search.run import run
from image_search.settings import Settings
from nas.settings.search import SearchSettings
from nas.study.storage import sqlite_url
from run_search import main
from search_spaces import load_model, space_settings
from tests.search_spaces.any_space import changed


def settings(output: Path, widths: tuple[int, ...] = (8, 12), **search: object) -> Settings:
    given = {"trials": 3, "workers": 1, "sampler": "random", "seed": 0, **search}
    return Settings(
        space=space_settings(widths=widths, units=((1,), (1,), (1,)), group_ranks=2, pair_ranks=2, reductions=(4,)),
        data=DataSettings(name="digits"),
        search=SearchSettings(**given),  # type: ignore[arg-type]
        train=TrainSettings(epochs=1),
        device="cpu",
        output=str(output),
    )


def flags(output: Path) -> list[str]:
    """The command line of `settings`."""
    return [
        "--space.widths", "[8,12]", "--space.units", "[[1],[1],[1]]", "--space.group_ranks", "2", "--space.pair_ranks", "2",
        "--space.reductions", "[4]", "--search.trials", "3", "--search.workers", "1", "--search.sampler", "random",
        "--train.epochs", "1", "--device", "cpu", "--output", str(output),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("search") / "run"
    assert main(flags(output)) == 0
    return output


@pytest.fixture
def output(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def front(output: Path) -> list[int]:
    return list(pd.read_csv(output / "pareto.csv")["trial"])


@pytest.mark.slow
def test_a_broken_checkpoint_is_not_copied_over_a_good_model(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    number = front(output)[0]
    before = load_model(output / "models" / str(number)).state_dict()
    weights = output / "checkpoints" / str(number) / "weights.pt"
    content = weights.read_bytes()
    middle = len(content) // 2
    for damaged in (content[:middle], content[:-1], content[:middle] + b"\xff\x00\xff" + content[middle + 3 :], b""):
        weights.write_bytes(damaged)
        assert main(flags(output)) == 0
        after = load_model(output / "models" / str(number)).state_dict()
        assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert "no model" not in capsys.readouterr().err


def test_a_front_without_weights_is_told_everywhere(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    number = front(output)[0]
    shutil.rmtree(output / "models" / str(number))
    (output / "checkpoints" / str(number) / "weights.pt").write_bytes(b"broken")
    assert main(flags(output)) == WEIGHTLESS
    assert f"There is no model of trial {number}: its weights are broken" in capsys.readouterr().err
    for name in ("models", "checkpoints"):
        shutil.rmtree(output / name)
    assert main(flags(output)) == WEIGHTLESS
    assert f"There is no model of trial {number}: its weights are gone" in capsys.readouterr().err
    assert f"There is no model of trial {number}" in (output / "report.html").read_text()
    for name in ("trials.csv", "pareto.csv"):
        table = pd.read_csv(output / name).set_index("trial")
        assert str(table.loc[number, "reason"]).startswith("no model: its weights are gone")


@pytest.mark.slow
def test_two_searches_in_one_storage_stay_two(tmp_path: Path) -> None:
    """Also where one of them has the name that a successor of the other would get, and has itself grown."""
    storage = sqlite_url(tmp_path / "studies.db")
    first = settings(tmp_path / "c10", widths=(8, 12), storage=storage)
    second = settings(tmp_path / "c10-2", widths=(8, 16), storage=storage)
    before, other = run(first), run(second)
    more = run(replace(first, search=replace(first.search, trials=4)))
    assert more.trials[: len(before.trials)] == before.trials
    assert sorted(optuna.get_all_study_names(storage)) == ["c10", "c10-2"]
    grown = run(replace(second, space=changed(second.space, reductions=(4, 8))))
    assert [trial.outcome for trial in grown.trials] == [trial.outcome for trial in other.trials]
    last = run(replace(first, search=replace(first.search, trials=5)))
    assert last.trials[: len(more.trials)] == more.trials
    assert sorted(optuna.get_all_study_names(storage)) == ["c10", "c10-2"]
    for result, folder in ((last, tmp_path / "c10"), (grown, tmp_path / "c10-2")):
        assert result.weightless == {}
        assert sorted(front(folder)) == sorted(result.front.trials)
        for number in front(folder):
            load_model(folder / "models" / str(number))
