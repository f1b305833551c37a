"""The report knows no objective by name: what each is called, and how it is written, is the objective's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evaluator.costs import COSTS
from evaluator.measures import MEASURES

REPORT = Path(__file__).parents[3] / "nas" / "report"
SOURCES = sorted(path for path in REPORT.rglob("*") if path.suffix in (".py", ".js", ".html"))
WORDS = ("accurac", "latenc", "memor", "entrop")


def test_there_are_sources_of_each_kind() -> None:
    assert {path.suffix for path in SOURCES} == {".py", ".js", ".html"}
    assert len(SOURCES) > 20


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_no_objective_is_named(source: Path) -> None:
    names = "|".join([*(rf"\b{name}\b" for name in (*MEASURES, *COSTS)), *WORDS])
    found = [line.strip() for line in source.read_text().splitlines() if re.search(names, line, re.IGNORECASE)]
    # What matplotlib calls the settings of ticks is no objective.
    assert [line for line in found if "tick_params" not in line] == []
