"""The search as tables for other programs, and the front as JSON that can be loaded again."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from nas.cost_rule import COSTS_VERSION
from nas.dimensions import Scalar
from nas.objectives import Form, Objective
from nas.output.stored_front import FORMAT, read_candidates
from nas.records import Evaluation, Trial, TrialState
from nas.report.findings.doubts import common_error, gain_per_epoch, only_guesses
from nas.report.findings.edges import ends
from nas.report.findings.peers import pairs
from nas.report.findings.statistics import expected_value, measured_value, members, reason
from nas.search.result import SearchResult

__all__ = ["read_candidates"]  # where scripts of before find it
FIRST_COLUMNS = ("trial", "state")
MIDDLE_COLUMNS = ("epochs", "seconds", "digest")
DOUBT_COLUMNS = ("peer", "minus_peer", "peer_settings", "shared_error_95", "gain_per_epoch", "at_edge")
LAST_COLUMNS = (*DOUBT_COLUMNS, "baseline", "reused_from", "replicate_of", "reason")


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

    What casts doubt on a row comes last. `peer` is the trial of the best unchanged network of no greater cost, `minus_peer` the
    learned objective minus that of the peer, and `peer_settings` says whether the training settings of the peer were searched or
    given. `shared_error_95` is by how much all values may be off together, since they are of the same validation images.

    Args:
        result: The results of the search, whose decisions and quantities make the columns.
        rows: The trials to tabulate, in this order.
    """
    told = _Told(result.learned, result.costs, result.further_measures)
    columns = _value_columns(result, told)
    taken = {*FIRST_COLUMNS, *columns, *MIDDLE_COLUMNS, *LAST_COLUMNS}
    decisions = {name: column_name(name, taken) for name in decision_order(result.trials)}
    names = [*FIRST_COLUMNS, *columns, *MIDDLE_COLUMNS, *decisions.values(), *LAST_COLUMNS]
    doubts = _Doubts(result)
    records = [{**_record(result, told, trial, decisions), **doubts.of(trial)} for trial in rows]
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


class _Doubts:
    """What casts doubt on the values of the trials of a search."""

    def __init__(self, result: SearchResult) -> None:
        self._result = result
        self._pairs = {pair.trial: pair for pair in pairs(result) if pair.affordable}
        self._shared = common_error(result)

    def of(self, trial: Trial) -> dict[str, Scalar]:
        """The cells of `DOUBT_COLUMNS`."""
        record: dict[str, Scalar] = dict.fromkeys(DOUBT_COLUMNS)
        if at := ends(self._result, trial):
            record["at_edge"] = "; ".join(f"{name} {'high' if upper else 'low'}" for name, upper in at.items())
        if trial.state is TrialState.COMPLETE:
            record["gain_per_epoch"] = _rounded(gain_per_epoch(self._result, trial))
            record["shared_error_95"] = _rounded(self._shared)
        if (pair := self._pairs.get(trial.number)) is not None:
            record["peer"], record["minus_peer"] = pair.peer, _rounded(pair.difference)
            record["peer_settings"] = "searched" if pair.tuned else "given"
        return record


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


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
