"""Searches of images by each measure of the evaluator, and by a cost that somebody has added: from the command to the page."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import yaml

from evaluator.costs import COSTS, Cost, Network
from evaluator.measures import MEASURES
from evaluator.settings import DataSettings, TrainSettings
from image_search.command_line import read_settings
from image_search.plan import Plan
from image_search.run import run
from image_search.settings import Settings
from nas.errors import SettingsError
from nas.objectives import Direction, Form, Objective, ObjectiveKind
from nas.output.stored_front import read_members
from nas.records import Evaluation
from nas.report.console import front_lines
from nas.search.result import SearchResult
from nas.settings.search import SearchSettings
from run_search import main
from search_spaces import space_settings
from tests.nas.report.sections.test_trials import unpacked


def small(output: Path, objectives: str, *, trials: int = 3, epochs: int = 1, **search: Any) -> Settings:
    return Settings(
        space=space_settings(widths=(8, 12), units=((1,), (1,), (1,)), group_ranks=2, pair_ranks=2, reductions=(4,)),
        data=DataSettings(name="digits"),
        search=SearchSettings(trials=trials, workers=1, sampler="random", objectives=objectives, **search),
        train=TrainSettings(epochs=epochs, class_weights="balanced"),
        device="cpu",
        output=str(output),
    )


@pytest.fixture(scope="module", params=[name for name in MEASURES if name != "accuracy"])
def searched(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, SearchResult]:
    output = tmp_path_factory.mktemp(request.param) / "run"
    return request.param, output, run(small(output, f"macs,{request.param}", trials=4, epochs=3))


def test_the_front_is_by_the_measure_that_was_asked_for(searched: tuple[str, Path, SearchResult]) -> None:
    name, _, result = searched
    assert [objective.name for objective in result.objectives] == [name, "macs"]
    learned = result.learned
    complete = [trial for trial in result.trials if trial.state == "complete"]
    assert len(complete) == 4
    best = min(complete, key=lambda trial: (learned.loss(trial.values()[name]), trial.values()["macs"]))
    assert best.number in result.front.trials
    assert result.front.hypervolume > 0, "three epochs are better than the reference"


def test_tables_hold_every_measure_with_its_error(searched: tuple[str, Path, SearchResult]) -> None:
    name, output, _ = searched
    table = pd.read_csv(output / "trials.csv")
    assert list(table.columns[:8]) == [
        *("trial", "state", name, f"{name}_se", f"expected_{name}", "trainings", "macs", "params"),
    ]
    for measure in MEASURES:
        assert table[measure].notna().all()
        assert (table[f"{measure}_se"] > 0).all()
    assert "expected_accuracy" not in table
    front = pd.read_csv(output / "pareto.csv")
    assert front["macs"].is_monotonic_increasing


def test_what_was_measured_on_the_way_has_its_name(searched: tuple[str, Path, SearchResult]) -> None:
    name, _, result = searched
    for trial in result.trials:
        assert isinstance(trial.outcome, Evaluation)
        values = trial.outcome.on_the_way(name)
        assert sorted(values) == [1, 2, 3]
        assert values[3] == trial.outcome.measurements[name].mean
        assert not any("accuracy" in key for key in trial.outcome.details if name != "balanced_accuracy")


def test_page_and_console_speak_of_it(searched: tuple[str, Path, SearchResult]) -> None:
    name, output, result = searched
    words = result.learned.words
    assert front_lines(result).splitlines()[0].split("  ")[1].strip() == f"{words} {result.learned.unit}".lower()
    page = (output / "report.html").read_text()
    shown = json.loads(page.partition('id="search">')[2].partition("</script>")[0])
    assert shown["learned"]["label"].startswith(f"Validation {words}")
    assert shown["majority"] is None, "its share of the images is no such measure"
    assert f"validation {words}" in shown["answer"]
    assert all(name in trial["quantities"] for trial in unpacked(shown["trials"]))


def test_the_front_can_begin_another_search(searched: tuple[str, Path, SearchResult], tmp_path: Path) -> None:
    _, output, result = searched
    members = read_members(output / "pareto.json")
    assert [member.trial for member in members] == list(result.front.trials)
    settings = small(tmp_path / "next", "accuracy,macs", warm_start=str(output / "pareto.json"))
    assert len(Plan(settings).given) == len(members)


def test_the_settings_that_are_written_are_read_as_the_same_search(searched: tuple[str, Path, SearchResult]) -> None:
    _, output, result = searched
    with contextlib.redirect_stderr(io.StringIO()) as told:
        again, _ = read_settings(["--config", str(output / "config.yaml"), "--output", str(output)])
    assert told.getvalue() == "", "no setting of theirs has a former name"
    plan = Plan(again)
    assert plan.objectives == result.objectives
    assert yaml.safe_load((output / "config.yaml").read_text())["train"]["class_weights"] == "balanced"


def test_another_measure_is_another_search(
    searched: tuple[str, Path, SearchResult], capsys: pytest.CaptureFixture[str]
) -> None:
    name, output, _ = searched
    assert (
        main(["--config", str(output / "config.yaml"), "--output", str(output), "--search.objectives", "accuracy,macs"])
        == 2
    )
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert name in line
    assert "accuracy" in line


def layers(reference: float) -> Objective:
    return Objective(
        name="layers",
        direction=Direction.MINIMIZE,
        kind=ObjectiveKind.KNOWN,
        unit="layers",
        reference=reference,
        log=True,
        label="Layers that convolve",
        form=Form.COUNT,
    )


def count_layers(network: Network) -> float:
    return float(sum(isinstance(module, torch.nn.Conv2d) for module in network.model.modules()))


def test_an_added_cost_is_an_objective_a_limit_and_a_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COSTS, "layers", Cost(objective=layers, count=count_layers))
    settings = small(tmp_path / "run", "accuracy,layers", limits="layers=1000,macs=1e9", references="layers=500")
    result = run(settings)
    assert [objective.name for objective in result.objectives] == ["accuracy", "layers"]
    assert result.cost.reference == 500
    table = pd.read_csv(tmp_path / "run" / "trials.csv")
    assert list(table.columns[6:9]) == ["macs", "params", "layers"]
    assert (table["layers"] > 3).all()
    assert front_lines(result).splitlines()[0].split()[:6] == ["trial", "accuracy", "%", "MACs", "parameters", "layers"]
    page = (tmp_path / "run" / "report.html").read_text()
    shown = json.loads(page.partition('id="search">')[2].partition("</script>")[0])
    assert shown["cost"]["label"] == "Layers that convolve"
    least = min(table["layers"])
    refused = Plan(replace(settings, search=replace(settings.search, limits=f"layers={least / 10}")))
    with pytest.raises(SettingsError, match=r"--search\.limits layers 2: no network of shufflenet_v2 meets this"):
        refused.refuse_impossible()
