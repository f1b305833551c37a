"""The search as tables for other programs, and the front as JSON that can be loaded again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nas.candidate import Candidate
from nas.count import COSTS_VERSION, FIRST_VERSION
from nas.dimensions import Genotype, Scalar
from nas.errors import OutputError
from nas.estimates import Estimate
from nas.json_fields import MalformedError, entry, mapping, numbers, scalars, shown, text, whole
from nas.json_file import read_json
from nas.local_path import local_path
from nas.objectives import Objective
from nas.records import Trial
from nas.report.readings import expected_accuracy, measured_accuracy, members, reason
from nas.result import SearchResult

FORMAT = 1
"""Version of pareto.json; raised when a reader of the old form could not read the new one."""

FIRST_COLUMNS = (
    *("trial", "state", "accuracy", "accuracy_se", "expected_accuracy", "trainings"),
    *("macs", "params", "epochs", "seconds", "digest"),
)
FURTHER_COSTS = {"latency": "latency_ms", "memory": "memory_mb"}
"""Columns after `params`, in searches that ask for these costs."""
TARGETS = {"macs": "target_macs", "params": "target_params"}
"""Columns after these, in searches with networks whose costs their training decides."""
LAST_COLUMNS = ("baseline", "reused_from", "replicate_of", "reason")


TAKEN = {*FIRST_COLUMNS, *FURTHER_COSTS.values(), *TARGETS.values(), *LAST_COLUMNS}
"""Names that no decision's column can have."""


def trials_csv(result: SearchResult) -> str:
    """All trials by number, as comma-separated text."""
    return _csv(trials_frame(result.trials, result.trials, result.estimates, result.weightless))


def pareto_csv(result: SearchResult) -> str:
    """The front, cheapest first, with the columns of `trials_csv`."""
    return _csv(trials_frame(members(result), result.trials, result.estimates, result.weightless))


def trials_frame(
    rows: Iterable[Trial],
    trials: Iterable[Trial],
    estimates: Mapping[int, Estimate] | None = None,
    weightless: Mapping[int, str] | None = None,
) -> pd.DataFrame:
    """One row a trial: what came out of it, then every resolved decision, an erased one left empty.

    Costs are those of the deployed network; `target_macs` and `target_params`, where there are any, what was aimed at before a
    training that decided otherwise. Accuracies in percent: as measured, and as expected of another training; `trainings` counts
    those of the candidate. `seconds` is the only column that differs between two runs of the same search.

    Args:
        rows: The trials to tabulate, in this order.
        trials: The trials whose decisions make the columns.
        estimates: By the number of a candidate's first trial.
        weightless: Why there is no model of a trial that should have one, by number.
    """
    decisions = decision_order(trials)
    columns = {name: column_name(name) for name in decisions}
    records = [
        _record(trial, columns, (estimates or {}).get(trial.number))
        | ({"reason": f"no model: {weightless[trial.number]}"} if weightless and trial.number in weightless else {})
        for trial in rows
    ]
    first = list(FIRST_COLUMNS)
    after = first.index("params") + 1
    first[after:after] = [
        *(column for cost, column in FURTHER_COSTS.items() if any(cost in trial.costs for trial in trials)),
        *(column for cost, column in TARGETS.items() if any(cost in trial.missed_costs for trial in trials)),
    ]
    names = [*first, *columns.values(), *LAST_COLUMNS]
    return pd.DataFrame({name: _column([record.get(name) for record in records]) for name in names})


def decision_order(trials: Iterable[Trial]) -> list[str]:
    """Names of all resolved decisions: the architecture's first, those of one stage together, then the training's.

    Inside a stage a decision stands after the one it follows in a candidate, whichever trial had it first.
    """
    architecture: list[str] = []
    training: list[str] = []
    for trial in trials:
        _merge(architecture, trial.candidate.architecture)
        _merge(training, trial.candidate.training)
    prefixes = list(dict.fromkeys(_prefix(name) for name in architecture))
    architecture.sort(key=lambda name: (_prefix(name) != "", prefixes.index(_prefix(name))))
    return architecture + [name for name in training if name not in architecture]


def column_name(decision: str) -> str:
    """The column of a decision, kept apart from the report's own columns."""
    return f"decision.{decision}" if decision in TAKEN else decision


def front_json(result: SearchResult) -> str:
    """The front as JSON: its candidates with values, and the space from which their networks can be made again."""
    document = {
        "format": FORMAT,
        "note": "Chosen on the validation split by expected_accuracy, in percent; the measured accuracies are optimistic.",
        COSTS_VERSION: result.costs_version,
        "objectives": [_objective(objective) for objective in result.objectives],
        "hypervolume": result.front.hypervolume,
        "space": dict(result.space),
        "data": dict(result.data),
        "members": [
            {
                **_member(trial, expected_accuracy(result, trial)),
                **({"model": None} if trial.number in result.weightless else {}),
            }
            for trial in members(result)
        ],
    }
    return json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Member:
    """A network of a front that was read from a file."""

    trial: int
    genotype: Genotype
    candidate: Candidate
    values: Mapping[str, float]
    """By objective name."""
    costs_version: object
    """Of the count by which its costs were stated."""


def read_candidates(path: str | Path) -> list[Candidate]:
    """The candidates of a `pareto.json`, cheapest first; raises as `read_members` does."""
    return [member.candidate for member in read_members(path)]


def read_members(path: str | Path) -> list[Member]:
    """The front in a `pareto.json`, cheapest first.

    Raises:
        OutputError: The file cannot be read, is no front, is of another format, or a candidate does not match its digest.
    """
    path = local_path(path)
    try:
        document = read_json(path)
    except FileNotFoundError as error:
        raise OutputError(f"cannot read {path}: {error.strerror or error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("members"), list):
        raise OutputError(f"{path} is not a front: it has no list of members; pareto.json of a search is one")
    if document.get("format") != FORMAT:
        raise OutputError(f"{path} is of format {shown(document.get('format'))}; this version reads format {FORMAT}")
    version = document.get(COSTS_VERSION, FIRST_VERSION)
    return [_read_member(member, position, path, version) for position, member in enumerate(document["members"])]


def _read_member(member: Any, position: int, path: Path, costs_version: int) -> Member:
    try:
        of = f"member {position}"
        member = mapping(member, of)
        candidate = Candidate.from_json(entry(member, "candidate", of))
        found = Member(
            whole(entry(member, "trial", of), "trial"),
            scalars(entry(member, "genotype", of), "genotype"),
            candidate,
            numbers(entry(member, "values", of), "values"),
            costs_version,
        )
        digest = text(entry(member, "digest", of), "digest")
    except MalformedError as error:
        raise OutputError(f"{path}: member {position} is not a candidate ({error})") from error
    if digest != candidate.digest:
        raise OutputError(
            f"{path}: member {position} has digest {shown(digest)}, but its candidate gives {candidate.digest!r}"
        )
    return found


def _record(trial: Trial, columns: Mapping[str, str], estimate: Estimate | None) -> dict[str, Scalar]:
    accuracy = measured_accuracy(trial)
    costs = trial.deployed_costs
    decisions = trial.candidate.decisions
    return {
        "trial": trial.number,
        "state": trial.state.value,
        "accuracy": None if accuracy is None else accuracy.mean,
        "accuracy_se": None if accuracy is None else accuracy.standard_error,
        "expected_accuracy": None if estimate is None else round(estimate.mean, 3),
        "trainings": None if estimate is None else estimate.trainings,
        "macs": _whole(costs.get("macs")),
        "params": _whole(costs.get("params")),
        **{column: costs.get(cost) for cost, column in FURTHER_COSTS.items()},
        **{column: _whole(trial.missed_costs.get(cost)) for cost, column in TARGETS.items()},
        "epochs": None if trial.outcome is None else trial.outcome.epochs,
        "seconds": None if trial.outcome is None else round(trial.outcome.seconds, 3),
        "digest": trial.candidate.digest,
        # A decision may be None, which is not the same as erased, and only the latter is empty.
        **{columns[name]: "none" if value is None else value for name, value in decisions.items()},
        "baseline": trial.baseline,
        "reused_from": trial.reused_from,
        "replicate_of": trial.replicate_of,
        "reason": reason(trial) or None,
    }


def _column(values: list[Scalar]) -> pd.Series[Any]:
    """A column that keeps integers whole where values are missing."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int}:
        return pd.Series(values, dtype="Int64")
    if kinds and kinds <= {int, float}:
        return pd.Series(values, dtype="Float64")
    return pd.Series(values, dtype=object)


def _member(trial: Trial, expected: float) -> dict[str, Any]:
    accuracy = measured_accuracy(trial)
    return {
        "trial": trial.number,
        "values": trial.values(),
        "expected_accuracy": round(expected, 3),
        "accuracy_se": None if accuracy is None else accuracy.standard_error,
        "baseline": trial.baseline,
        "genotype": dict(trial.genotype),
        "candidate": trial.candidate.to_json(),
        "digest": trial.candidate.digest,
        "model": f"models/{trial.number}",
    }


def _objective(objective: Objective) -> dict[str, Any]:
    return {
        "name": objective.name,
        "direction": objective.direction.value,
        "kind": objective.kind.value,
        "unit": objective.unit,
        "reference": objective.reference,
        "log": objective.log,
    }


def _whole(value: float | None) -> float | int | None:
    return int(value) if value is not None and float(value).is_integer() else value


def _merge(order: list[str], names: Iterable[str]) -> None:
    """Inserts each new name right after the one before it."""
    position = 0
    for name in names:
        if name in order:
            position = order.index(name) + 1
        else:
            order.insert(position, name)
            position += 1


def _prefix(name: str) -> str:
    return name.rpartition(".")[0]


def _csv(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False, lineterminator="\n")
