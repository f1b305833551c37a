"""The search as tables for other programs, and the front as JSON that can be loaded again."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nas.candidate import Candidate
from nas.cost_rule import COSTS_VERSION, FIRST_VERSION
from nas.dimensions import Genotype, Scalar
from nas.errors import OutputError
from nas.objectives import Form, Objective
from nas.records import Evaluation, Trial, TrialState
from nas.report.findings.doubts import gain_per_epoch, only_guesses
from nas.report.findings.edges import ends
from nas.report.findings.statistics import expected_value, measured_value, members, reason
from nas.search.result import SearchResult
from nas.values.json_fields import MalformedError, entry, mapping, numbers, scalars, shown, text, whole
from nas.values.json_file import read_json
from nas.values.local_path import local_path

FORMAT = 1
"""Version of the format of pareto.json. It is raised when readers of the old format could not read the new one."""

FIRST_COLUMNS = ("trial", "state")
MIDDLE_COLUMNS = ("epochs", "seconds", "digest")
LAST_COLUMNS = ("gain_per_epoch", "at_edge", "baseline", "reused_from", "replicate_of", "reason")


def trials_csv(result: SearchResult) -> str:
    """All trials by number, as comma-separated text."""
    return _csv(trials_frame(result, result.trials))


def pareto_csv(result: SearchResult) -> str:
    """The front, cheapest first, with the columns of `trials_csv`."""
    return _csv(trials_frame(result, members(result)))


def trials_frame(result: SearchResult, rows: Iterable[Trial]) -> pd.DataFrame:
    """A table with one row per trial: its results, then every resolved decision, where an erased one is left empty.

    The learned objective is given as measured, with its standard error, and as expected of another training; `trainings`
    counts the trainings of the candidate. Costs are those of the deployed network. Columns that begin with `target_` hold
    costs that were aimed at before a training that decided otherwise. Further measures follow. `seconds` is the only column
    that differs between two runs of the same search.

    Args:
        result: The results of the search, whose decisions and quantities make the columns.
        rows: The trials to tabulate, in this order.
    """
    told = _Told(result.learned, result.costs, result.further_measures)
    columns = _value_columns(result, told)
    taken = {*FIRST_COLUMNS, *columns, *MIDDLE_COLUMNS, *LAST_COLUMNS}
    decisions = {name: column_name(name, taken) for name in decision_order(result.trials)}
    names = [*FIRST_COLUMNS, *columns, *MIDDLE_COLUMNS, *decisions.values(), *LAST_COLUMNS]
    records = [_record(result, told, trial, decisions) for trial in rows]
    return pd.DataFrame({name: _column([record.get(name) for record in records]) for name in names})


@dataclass(frozen=True, slots=True)
class _Told:
    """The quantities that have columns in a table."""

    learned: Objective
    costs: tuple[Objective, ...]
    further: tuple[Objective, ...]
    """Measures other than the learned objective."""


def _value_columns(result: SearchResult, told: _Told) -> list[str]:
    """The columns of the quantities."""
    learned = told.learned.heading
    missed = {name for trial in result.trials for name in trial.missed_costs}
    return [
        *(learned, f"{learned}_se", f"expected_{learned}", "trainings"),
        *(cost.heading for cost in told.costs),
        *(f"target_{cost.heading}" for cost in told.costs if cost.name in missed),
        *(column for measure in told.further for column in (measure.heading, f"{measure.heading}_se")),
    ]


def decision_order(trials: Iterable[Trial]) -> list[str]:
    """Names of all resolved decisions: the architecture's first, grouped by stage, then the training's.

    Within a stage, a decision follows the one that precedes it in a candidate, whichever trial had it first.
    """
    architecture: list[str] = []
    training: list[str] = []
    for trial in trials:
        _merge(architecture, trial.candidate.architecture)
        _merge(training, trial.candidate.training)
    prefixes = list(dict.fromkeys(_prefix(name) for name in architecture))
    architecture.sort(key=lambda name: (_prefix(name) != "", prefixes.index(_prefix(name))))
    return architecture + [name for name in training if name not in architecture]


def column_name(decision: str, taken: Collection[str]) -> str:
    """The column name of a decision, which differs from the names of the report's own columns."""
    return f"decision.{decision}" if decision in taken else decision


def front_json(result: SearchResult) -> str:
    """The front as JSON: its candidates with values, and the space from which their networks can be made again."""
    document = {
        "format": FORMAT,
        "note": f"Chosen on the validation split by {_expected_key(result)}; the measured values are optimistic.",
        COSTS_VERSION: result.costs_version,
        "objectives": [_objective(objective) for objective in result.objectives],
        "hypervolume": result.front.hypervolume,
        "space": dict(result.space),
        "data": dict(result.data),
        "members": [
            {
                **_member(result, trial),
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
    """Values by objective name."""
    costs_version: object
    """Version of the count by which the costs were stated."""


def read_candidates(path: str | Path) -> list[Candidate]:
    """The candidates in a `pareto.json`, cheapest first. It raises the same errors as `read_members`."""
    return [member.candidate for member in read_members(path)]


def read_members(path: str | Path) -> list[Member]:
    """The front in a `pareto.json`, cheapest first.

    Raises:
        OutputError: The file cannot be read, is not a front, has another format, or a candidate does not match its digest.
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


def _record(result: SearchResult, told: _Told, trial: Trial, decisions: Mapping[str, str]) -> dict[str, Scalar]:
    estimate = result.estimates.get(trial.number)
    costs, missed = trial.deployed_costs, trial.missed_costs
    measured = trial.outcome.measurements if isinstance(trial.outcome, Evaluation) else {}
    record: dict[str, Scalar] = {
        "trial": trial.number,
        "state": trial.state.value,
        f"expected_{told.learned.heading}": None if estimate is None else round(estimate.mean, 3),
        "trainings": None if estimate is None else estimate.trainings,
        "epochs": None if trial.outcome is None else trial.outcome.epochs,
        "seconds": None if trial.outcome is None else round(trial.outcome.seconds, 3),
        "digest": trial.candidate.digest,
        **_doubts(result, trial),
        "baseline": trial.baseline,
        "reused_from": trial.reused_from,
        "replicate_of": trial.replicate_of,
        "reason": reason(trial) or _only_guesses(result, trial),
    }
    for quantity in (told.learned, *told.further):
        if quantity.name in measured:
            record[quantity.heading] = measured[quantity.name].mean
            record[f"{quantity.heading}_se"] = measured[quantity.name].standard_error
    for cost in told.costs:
        record[cost.heading] = _written(cost, costs.get(cost.name))
        record[f"target_{cost.heading}"] = _written(cost, missed.get(cost.name))
    # A decision may be None, which differs from being erased; only an erased decision is left empty.
    for name, value in trial.candidate.decisions.items():
        record[decisions[name]] = "none" if value is None else value
    if trial.number in result.weightless:
        record["reason"] = f"no model: {result.weightless[trial.number]}"
    return record


def _doubts(result: SearchResult, trial: Trial) -> dict[str, Scalar]:
    """How much a training still gained per epoch when it ended, and which decisions lie at which end of their range."""
    gain = gain_per_epoch(result, trial) if trial.state is TrialState.COMPLETE else None
    at = [f"{name} {'high' if upper else 'low'}" for name, upper in ends(result, trial).items()]
    return {"gain_per_epoch": None if gain is None else round(gain, 3), "at_edge": "; ".join(at) or None}


def _only_guesses(result: SearchResult, trial: Trial) -> str | None:
    trained = trial.state is TrialState.COMPLETE and measured_value(result, trial) is not None
    return "no better than guessing" if trained and only_guesses(result, trial) else None


def _column(values: list[Scalar]) -> pd.Series[Any]:
    """A column in which integers stay whole although values are missing."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int}:
        return pd.Series(values, dtype="Int64")
    if kinds and kinds <= {int, float}:
        return pd.Series(values, dtype="Float64")
    return pd.Series(values, dtype=object)


def _expected_key(result: SearchResult) -> str:
    return f"expected_{result.learned.name}"


def _member(result: SearchResult, trial: Trial) -> dict[str, Any]:
    measured = measured_value(result, trial)
    return {
        "trial": trial.number,
        "values": trial.values(),
        _expected_key(result): round(expected_value(result, trial), 3),
        f"{result.learned.name}_se": None if measured is None else measured.standard_error,
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


def _written(cost: Objective, value: float | None) -> float | int | None:
    """A value for the table, where counts have no decimals."""
    return int(value) if cost.form is Form.COUNT and value is not None and float(value).is_integer() else value


def _merge(order: list[str], names: Iterable[str]) -> None:
    """Inserts each new name right after the one that precedes it."""
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
