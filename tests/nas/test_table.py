from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from evaluator.lookup import LookupEvaluator
from nas.errors import DataError
from nas.objectives import Direction, Objective, ObjectiveKind
from nas.search.own_search import make_driver, search_in_process
from nas.table import Table
from search_spaces.tabular import coding_of, tabular_space


def rows() -> dict[str, dict[str, Any]]:
    """Three positions of two, three and two letters; the first two make a network better and more expensive."""
    return {
        f"{a}{b}{c}": {"acc": 60.0 + 10 * "xy".index(a) + 5 * int(b) - (c == "q"), "flops": 100.0 * (1 + "xy".index(a) + int(b))}
        for a, b, c in itertools.product("xy", "012", "pq")
    }  # fmt: skip


def saved(folder: Path, content: object) -> Path:
    path = folder / "table.json"
    path.write_text(json.dumps(content))
    return path


def test_a_table_has_an_alphabet_for_each_position(tmp_path: Path) -> None:
    table = Table.load(saved(tmp_path, rows()))
    assert table.alphabets == (("x", "y"), ("0", "1", "2"), ("p", "q"))
    assert len(table) == 12
    assert table.column("acc")["y2p"] == 80


def test_a_search_of_a_table_finds_its_front(tmp_path: Path) -> None:
    table = Table(rows())
    accuracy, cost = table.column("acc"), table.column("flops")
    objectives = (
        Objective(name="accuracy", direction=Direction.MAXIMIZE, kind=ObjectiveKind.LEARNED, unit="%", reference=50),
        Objective(
            name="flops", direction=Direction.MINIMIZE, kind=ObjectiveKind.KNOWN, unit="", reference=1000, log=True
        ),
    )
    driver = make_driver(
        tabular_space(table),
        objectives,
        lambda candidate: {"flops": cost[coding_of(candidate)]},
        trials=12,
        database=tmp_path / "study.db",
    )
    search_in_process(driver, LookupEvaluator(lambda candidate: accuracy[coding_of(candidate)]))
    assert driver.front().values == ((60.0, 100.0), (70.0, 200.0), (75.0, 300.0), (80.0, 400.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y2p": None}, "of 12 combinations 1 are missing, such as 'y2p'"),
        ({"y2p": None, "x1q": None}, "of 12 combinations 2 are missing, such as 'x1q'"),
        ({"x": {}}, "codings must be of one length"),
        ({"y2p": {"acc": float("nan"), "flops": 1.0}}, "acc of 'y2p' is nan"),
        ({"y2p": {"acc": "good", "flops": 1.0}}, "acc of 'y2p' is 'good'"),
        ({"y2p": {"flops": 1.0}}, "'y2p': unknown metric 'acc'"),
        ({"y2p": 3}, "must be a JSON object from codings to objects"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    content = {coding: row for coding, row in {**rows(), **change}.items() if row is not None}
    with pytest.raises(DataError, match=message):
        Table.load(saved(tmp_path, content)).column("acc")


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    for name in ("broken.json", "absent.json"):
        with pytest.raises(DataError, match=f"table .*{name} cannot be read"):
            Table.load(tmp_path / name)
