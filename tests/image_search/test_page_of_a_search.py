"""The page of a real search: answers that agree with what is reported, lines that run as pasted, a name and no full paths."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluator.settings import DataSettings, TrainSettings
from image_search.command_line import read_settings
from image_search.plan import Plan
from image_search.run import run
from image_search.settings import Settings
from nas.output.folder import ANSWERS
from nas.settings.search import SearchSettings
from search_spaces import space_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    place = tmp_path_factory.mktemp("deep") / "deeper"
    return Settings(
        space=space_settings(widths=(8, 12), units=((1,), (1,), (1,)), group_ranks=2, pair_ranks=2, reductions=(4,)),
        data=DataSettings(name="digits", cache=str(place / "cache of images")),
        search=SearchSettings(trials=3, workers=1, sampler="random"),
        train=TrainSettings(epochs=2),
        device="cpu",
        output=str(place / "my <b>run"),
    )


@pytest.fixture(scope="module")
def output(settings: Settings) -> Path:
    run(settings)
    return Path(settings.output)


def data_of(output: Path) -> dict[str, Any]:
    found = re.search(
        r'<script type="application/json" id="search">(.*?)</script>', (output / "report.html").read_text()
    )
    assert found is not None
    told: dict[str, Any] = json.loads(found[1])
    return told


def values_of(told: dict[str, Any], name: str) -> dict[int, Any]:
    trials = told["trials"]
    number, place = trials["columns"].index("trial"), trials["columns"].index(name)
    return {row[number]: row[place] for row in trials["rows"]}


def test_right_answers_are_to_the_last_image_those_that_are_reported(output: Path) -> None:
    told = data_of(output)
    values = values_of(told, "value")
    assert {int(number) for number in told["answers"]["networks"]} == set(told["front"])
    for number, network in told["answers"]["networks"].items():
        diagonal = sum(network["matrix"][k][k] for k in range(10))
        assert 100 * diagonal / network["items"] == pytest.approx(values[int(number)], rel=1e-6)
        assert all(str(mistake[0]) in told["answers"]["pictures"] for mistake in network["surest"])


def test_each_lines_of_loading_run_as_pasted_in_the_folder_of_the_page(output: Path) -> None:
    told = data_of(output)
    assert {int(number) for number in told["loading"]} == set(told["front"])
    pasted = told["loading"][str(told["recommended"])]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}  # as after `pip install`
    done = subprocess.run(
        [sys.executable, "-i", "-q"],
        input=f"{pasted}\nprint(type(network).__name__, network.training)\n",
        cwd=output, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split()[-1] == "False"
    assert "Error" not in done.stderr


def test_the_page_is_called_as_its_folder_and_names_no_other_folder(output: Path) -> None:
    page = (output / "report.html").read_text()
    assert "<title>my &lt;b&gt;run</title>" in page
    assert data_of(output)["title"] == "my <b>run"
    assert str(output.parent) not in page
    assert str(output.parent.parent.name) not in page
    assert "cache of images" in page, "the last part of a path says which it is"


def test_a_title_is_no_part_of_the_study(settings: Settings, output: Path) -> None:
    titled = replace(settings, title=" Birds  & bees ")
    assert Plan(titled).identity == Plan(settings).identity
    before = {name: values_of(data_of(output), name) for name in ("digest", "value", "seconds")}
    run(titled)
    assert "<title>Birds &amp; bees</title>" in (output / "report.html").read_text()
    assert data_of(output)["title"] == "Birds & bees"
    assert {name: values_of(data_of(output), name) for name in before} == before, "nothing is trained again"
    assert read_settings(["--title", "Birds"])[0].title == "Birds"
    assert read_settings([])[0].title == ""


def test_answers_that_are_not_of_a_network_are_not_shown(settings: Settings, output: Path) -> None:
    """Its checkpoint is gone, and the file beside the published weights was changed: one answer, then the form."""
    number = data_of(output)["front"][0]
    for place in ("checkpoints", "models"):
        path = output / place / str(number) / ANSWERS
        record = json.loads(path.read_text())
        record["predicted"][0] = (record["predicted"][0] + 1) % 10
        path.write_text(json.dumps(record) if place == "models" else "{")
    for answers in (output / "models").glob(f"*/{ANSWERS}"):
        if answers.parent.name != str(number):
            answers.unlink()
            (output / "checkpoints" / answers.parent.name / ANSWERS).unlink()
    run(settings)
    assert data_of(output)["answers"] is None
