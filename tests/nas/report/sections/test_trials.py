"""A big search makes a small page: nothing is written twice, and details only where many look."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from nas.report.findings.importance import Importance
from nas.report.payload import compact, embedded, payload
from nas.report.sections import trials as section
from nas.search.result import SearchResult
from tests.nas.report.conftest import MakeSearch


def unpacked(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What `dom.js` makes of a table."""

    def whole(cell: list[Any]) -> dict[str, Any]:
        return dict(zip(table["keys"][cell[0]], cell[1:], strict=True))

    def shown(name: str, cell: Any) -> Any:
        if name == "parts":
            return [whole(table["parts"][place]) for place in cell]
        return whole(cell) if name in table["nested"] else cell

    return [
        {name: shown(name, cell) for name, cell in zip(table["columns"], row, strict=True)} for row in table["rows"]
    ]


@pytest.fixture
def result(make_search: MakeSearch, monkeypatch: pytest.MonkeyPatch) -> SearchResult:
    """A search of more trials than are shown in all detail; without the ranking of decisions, which takes long."""
    nothing = Importance(n=0, score=None, weights=(), verdict="left out")
    monkeypatch.setattr("nas.report.payload.importance", lambda _trials, _target: nothing)
    return make_search(600)


@pytest.mark.parametrize("count", [0, 1, 40])
def test_what_is_packed_comes_back(make_search: MakeSearch, count: int) -> None:
    told = json.loads(json.dumps(payload(make_search(count))))
    table = json.loads(json.dumps(compact(told)))
    assert unpacked(table["trials"]) == told["trials"]
    assert unpacked(table["pairs"]) == told["pairs"]


def test_of_many_trials_those_of_the_front_and_the_baselines_keep_their_details(result: SearchResult) -> None:
    told = {trial["trial"]: trial for trial in payload(result)["trials"]}
    kept = {*result.front.trials, *(trial.number for trial in result.trials if trial.baseline is not None)}
    points = {number: len(trial["curve"]) for number, trial in told.items()}
    assert all(points[number] > 0 for number in kept)
    assert max(count for number, count in points.items() if number not in kept) <= section.FEW_CURVE_POINTS
    with_blocks = {number for number, trial in told.items() if trial["blocks"]}
    assert with_blocks <= kept
    assert {number for number, trial in told.items() if trial["block_means"]} > with_blocks


def test_means_of_shuffles_are_those_of_their_blocks(make_search: MakeSearch) -> None:
    for trial in payload(make_search(30))["trials"]:
        for k, mean in enumerate(trial["block_means"]):
            column = [block[k + 1] for block in trial["blocks"]]
            assert mean == pytest.approx(sum(column) / len(column), rel=1e-3)
        assert bool(trial["block_means"]) == bool(trial["blocks"])


def test_a_trial_takes_a_few_hundred_bytes(result: SearchResult) -> None:
    told = compact(payload(result))
    assert len(embedded(told)) < 1100 * len(result.trials)
    assert len(embedded(told["trials"])) < 0.5 * len(embedded({"trials": payload(result)["trials"]}))
