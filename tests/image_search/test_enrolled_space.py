"""A space that is no part of the project is searched from the command line once it is enrolled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from nas.errors import SpaceError
from run_search import main
from search_spaces import (
    SPACES,
    load_model,
    make_space,
    register,
    space_for_workers,
    space_from_json,
    space_in_worker,
)
from tests.plain_space import PlainSettings, PlainSpace


@pytest.fixture(autouse=True)
def _enrolled() -> Iterator[None]:
    register("plain", lambda: PlainSpace)
    yield
    del SPACES["plain"]


def command(output: Path, *more: str) -> list[str]:
    return [
        "--space.name", "plain", "--space.filters", "[3, 6]", "--search.trials", "3", "--train.epochs", "1",
        "--search.workers", "1", "--search.replicates", "1", "--device", "cpu", "--output", str(output), *more,
    ]  # fmt: skip


def test_an_enrolled_space_is_searched_reported_loaded_and_continued(tmp_path: Path) -> None:
    output = tmp_path / "run"
    assert main(command(output)) == 0
    table = pd.read_csv(output / "trials.csv")
    assert set(table["width"]) <= {3, 6}
    assert table.loc[0, "baseline"] == "narrow"
    page = (output / "report.html").read_text()
    assert "Plain networks on digits" in page
    assert '"label":"3x3","light":"#7a828e"' in page
    number = json.loads((output / "pareto.json").read_text())["members"][0]["trial"]
    assert sum(p.numel() for p in load_model(output / "models" / str(number)).parameters()) > 0
    assert main(command(output, "--search.trials", "4")) == 0
    assert len(pd.read_csv(output / "trials.csv")) > len(table)


def test_its_settings_are_those_of_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--space.name", "plain", "--help"])
    told = capsys.readouterr().out
    assert "--space.filters" in told
    assert "--space.mixers" not in told
    assert main(command(tmp_path, "--space.mixers", "[fixed]")) == 2
    assert "--space.mixers: not a setting of plain, but of shufflenet_v1" in capsys.readouterr().err
    assert main(command(tmp_path, "--space.filters", "[0]")) == 2
    assert "--space.filters: must be above 0" in capsys.readouterr().err


def test_workers_make_it_without_a_registry() -> None:
    space = make_space(PlainSettings(filters=(5,)), image_size=8, channels=1, classes=10)
    told = json.loads(json.dumps(space_for_workers(space)))
    enrolled = SPACES.pop("plain")
    try:
        assert space_in_worker(told).settings() == space.settings()
        with pytest.raises(SpaceError, match="unknown space 'plain'"):
            space_from_json(space.settings())
    finally:
        register("plain", enrolled)


def test_a_class_that_workers_cannot_import_is_refused() -> None:
    class Local(PlainSpace):
        """In a function."""

    space = Local(PlainSettings(), image_size=8, channels=1, classes=10)
    with pytest.raises(SpaceError, match="put it into a module of its own"):
        space_for_workers(space)


def test_a_name_is_enrolled_once() -> None:
    with pytest.raises(SpaceError, match="there is a space of the name 'vgg16' already"):
        register("vgg16", lambda: PlainSpace)
