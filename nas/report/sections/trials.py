"""The trials as plain JSON for the page, in which nothing is written that nobody can see, and nothing twice."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nas.portrait import Portrait
from nas.records import Evaluation, Trial
from nas.report.findings.statistics import measured_value, observed_line, reason, standard_error
from nas.report.quantities import finite, rounded
from nas.search.result import SearchResult

CURVE_POINTS = 60
"""Most points of a training curve in the page. Longer curves are thinned evenly."""
FEW_CURVE_POINTS = 12
"""Most points of the curve of a network that is shown in less detail."""
DETAILED = 300
"""If there are more trials than this, only networks that many look at are shown in all detail: front, baselines and repeats.
The study keeps everything.
"""
CURVE_DIGITS = 4
"""Significant digits of a curve, which is 170 pixels high."""


def trial_rows(
    result: SearchResult, shown: Mapping[int, Trial], residuals: Mapping[int, float]
) -> list[dict[str, Any]]:
    """One object for each trial, all with the same keys.

    Args:
        result: The results of the search.
        shown: The trials that pictures show, with the mean of their trainings, by number.
        residuals: The learned objective of these at equal cost, by number.
    """
    detailed = _detailed(result)
    return [
        {
            **_trial(result, shown.get(trial.number, trial), residuals.get(trial.number)),
            **_portrait(result.portrait(trial)),
            **_training(result, trial, whole=trial.number in detailed),
            **_expectation(result, trial),
        }
        for trial in result.trials
    ]


def packed(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Objects with the same keys as a table in which each key, and each part of a network, is written once.

    An object in a cell becomes the position of its keys in `keys`, followed by its values. The list of parts of a network
    becomes the positions of these in `parts`, which are written like objects in a cell.
    """
    columns = list(rows[0]) if rows else []
    nested = [name for name in columns if any(isinstance(row[name], Mapping) for row in rows)]
    keys: dict[tuple[str, ...], int] = {}
    parts: dict[str, int] = {}

    def cell(name: str, value: Any) -> Any:
        if name == "parts":
            return [parts.setdefault(json.dumps(part), len(parts)) for part in value]
        return [keys.setdefault(tuple(value), len(keys)), *value.values()] if name in nested else value

    return {
        "columns": columns,
        "nested": nested,
        "rows": [[cell(name, row[name]) for name in columns] for row in rows],
        "parts": [[keys.setdefault(tuple(one), len(keys)), *one.values()] for one in map(json.loads, parts)],
        "keys": [list(names) for names in keys],
    }


def _detailed(result: SearchResult) -> set[int]:
    """The trials that are shown in all detail."""
    if len(result.trials) <= DETAILED:
        return {trial.number for trial in result.trials}
    chosen = {*result.front.trials, *(trial.number for trial in observed_line(result))}
    given = {trial.number for trial in result.trials if trial.baseline is not None}
    return chosen | given | {trial.number for trial in result.trials if trial.replicate_of in chosen}


def _trial(result: SearchResult, trial: Trial, residual: float | None) -> dict[str, Any]:
    measured, outcome = measured_value(result, trial), trial.outcome
    measurements = outcome.measurements if isinstance(outcome, Evaluation) else {}
    return {
        "trial": trial.number,
        "state": trial.state.value,
        "value": None if measured is None else rounded(measured.mean),
        "se": None if measured is None else rounded(standard_error(measured)),
        "targets": dict(trial.missed_costs),
        "quantities": {each: rounded(value) for each, value in trial.values().items()},
        "errors": {
            each: rounded(error) for each, one in measurements.items() if (error := standard_error(one)) is not None
        },
        "epochs": None if outcome is None else outcome.epochs,
        "seconds": None if outcome is None else round(outcome.seconds, 1),
        "digest": trial.candidate.digest,
        "baseline": trial.baseline,
        "reused_from": trial.reused_from,
        "replicate_of": trial.replicate_of,
        "reason": reason(trial),
        "residual": rounded(residual),
        "decisions": dict(trial.candidate.decisions),
    }


def _portrait(portrait: Portrait) -> dict[str, Any]:
    return {
        "kind": portrait.kind,
        "description": portrait.description,
        "parts": [dataclasses.asdict(part) for part in portrait.parts],
    }


def _training(result: SearchResult, trial: Trial, *, whole: bool) -> dict[str, Any]:
    """What is known of how a training went: its curve, its learned shuffles, and readings in other modes."""
    details = trial.outcome.details if isinstance(trial.outcome, Evaluation) else {}
    name = result.learned.name
    blocks = _blocks(details.get("mixers"))
    return {
        "curve": _curve(details.get("curve"), name, CURVE_POINTS if whole else FEW_CURVE_POINTS),
        "blocks": blocks if whole else [],
        "block_means": _means(blocks),
        "soft": finite(details.get(f"soft_{name}")),
        "swapped": finite(details.get(f"swapped_{name}")),
    }


def _expectation(result: SearchResult, trial: Trial) -> dict[str, Any]:
    estimate = result.estimates.get(trial.number)
    if estimate is None:
        return {"expected": None, "expected_error": None, "trainings": None}
    return {
        "expected": rounded(estimate.mean),
        "expected_error": rounded(estimate.error),
        "trainings": estimate.trainings,
    }


def _curve(curve: Any, learned: str, most: int) -> list[list[float | None]]:
    """Rows of epoch, training loss and learned objective, thinned to `most`; the last row is kept."""
    if not isinstance(curve, Sequence) or isinstance(curve, str):
        return []
    rows = [
        [finite(point.get(name), CURVE_DIGITS) for name in ("epoch", "loss", learned)]
        for point in curve
        if isinstance(point, Mapping)
    ]
    step = math.ceil(len(rows) / most) or 1
    return rows[::-1][::step][::-1]


def _blocks(blocks: Any) -> list[list[Any]]:
    """Rows of name, valid, coverage and disagreement (shares) of the learned shuffles, from a list or a mapping by name."""
    if isinstance(blocks, Mapping):
        blocks = [{"name": name, **facts} for name, facts in blocks.items() if isinstance(facts, Mapping)]
    if not isinstance(blocks, Sequence) or isinstance(blocks, str):
        return []
    columns = ("valid", "coverage", "disagreement")
    return [
        [str(block.get("name", "")), *(finite(block.get(column), CURVE_DIGITS) for column in columns)]
        for block in blocks
        if isinstance(block, Mapping)
    ]


def _means(blocks: Iterable[Sequence[Any]]) -> list[float | None]:
    """The mean of each share over the blocks; empty if there are no blocks."""
    columns = list(zip(*blocks, strict=True))[1:]
    known = [[share for share in column if share is not None] for column in columns]
    return [rounded(sum(shares) / len(shares), CURVE_DIGITS) if shares else None for shares in known]
