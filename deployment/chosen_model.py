"""Finds the model that is to be exported, in the output folder of a search or as a folder of its own."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nas.errors import OutputError
from nas.values.json_fields import shown
from nas.values.local_path import path_fault

CANDIDATE = "candidate.json"
WEIGHTS = "weights.pt"
CONFIG = "config.yaml"
TABLES = ("pareto.csv", "trials.csv")
MOST_SHOWN = 20
"""Most trials that a message lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenModel:
    """A model on disk."""

    folder: Path
    run: Path | None
    """Output folder of its search; None if it is not there."""
    why: str
    """A sentence on which model was chosen and why."""
    row: Mapping[str, str] = field(default_factory=dict)
    """Its row in a table of the search; empty without one."""

    @property
    def name(self) -> str:
        """A name for the exported file."""
        return self.folder.name if self.run is None else f"{self.run.resolve().name}_{self.folder.name}"


def choose(path: Path, trial: int | None) -> ChosenModel:
    """Finds a model.

    Args:
        path: Output folder of a search, or folder of a model.
        trial: Number of the trial in the output folder. Default: the most accurate of the front.

    Raises:
        OutputError: There is no such folder, or the trial has no weights in it; the message lists those that have.
    """
    if fault := path_fault(str(path)):
        raise OutputError(f"{shown(str(path))} {fault}")
    try:
        return _chosen(path, trial)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"{path} cannot be read: {error.strerror or error}") from error


def _chosen(path: Path, trial: int | None) -> ChosenModel:
    if not path.is_dir():
        raise OutputError(f"{path} is no folder; give the output folder of a search, or one of its models")
    if (path / CANDIDATE).exists():
        if trial is not None:
            raise OutputError(f"{path} is a single model; leave out --trial, or give the output folder of its search")
        run = path.resolve().parent.parent
        belongs = path.resolve().parent.name == "models" and (run / CONFIG).is_file()
        return _of_run(run, path, f"the model in {path}") if belongs else _alone(path)
    if not (path / "models").is_dir():
        raise OutputError(
            f"{path} is no output folder of a search: it has no folder models, and no {CANDIDATE} of a model"
        )
    there = trials_there(path)
    if trial is None:
        return _most_accurate(path, there)
    if trial not in there:
        raise OutputError(
            f"trial {trial} has no weights in {path / 'models'}, which holds the networks of the front: {_listed(there)}"
        )
    return _of_run(path, path / "models" / str(trial), f"trial {trial} of {path}")


def trials_there(run: Path) -> list[int]:
    """The trials whose weights are in an output folder, ascending."""
    folders = [path.parent for path in (run / "models").glob(f"*/{WEIGHTS}")]
    return sorted(int(path.name) for path in folders if path.name.isdecimal() and (path / CANDIDATE).exists())


def _most_accurate(run: Path, there: list[int]) -> ChosenModel:
    if not there:
        raise OutputError(f"{run / 'models'} holds no network with its weights")
    rows = _rows(run / TABLES[0])
    column = next(
        (name for name in ("expected_accuracy", "accuracy") if any(name in row for row in rows.values())), None
    )
    if column is None:
        raise OutputError(
            f"{run / TABLES[0]} does not tell which network is the most accurate; choose by --trial: {_listed(there)}"
        )
    best = max(there, key=lambda number: _number(rows.get(number, {}).get(column)))
    words = column.replace("_", " ")
    why = (
        f"trial {best}, the most accurate of {run / TABLES[0]} (by {words}); --trial chooses another: {_listed(there)}"
    )
    return _of_run(run, run / "models" / str(best), why)


def _of_run(run: Path, folder: Path, why: str) -> ChosenModel:
    number = int(folder.name) if folder.name.isdecimal() else -1
    found = (_rows(run / name).get(number) for name in TABLES)
    return ChosenModel(folder=folder, run=run, why=why, row=next((row for row in found if row), {}))


def _alone(folder: Path) -> ChosenModel:
    why = f"the model in {folder}, without the output folder of its search"
    return ChosenModel(folder=folder, run=None, why=why)


def _rows(path: Path) -> dict[int, dict[str, str]]:
    """The rows of a table by trial; empty if it cannot be read."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        return {}
    return {int(row["trial"]): row for row in rows if (row.get("trial") or "").isdecimal()}


def _number(text: str | None) -> float:
    try:
        value = float(text or "nan")
    except ValueError:
        return -math.inf
    return value if math.isfinite(value) else -math.inf


def _listed(trials: list[int]) -> str:
    if not trials:
        return "there is none"
    more = f", and {len(trials) - MOST_SHOWN} more" if len(trials) > MOST_SHOWN else ""
    return f"there are {', '.join(map(str, trials[:MOST_SHOWN]))}{more}"
