"""The output folder of a search: the names in it, its lock, and the models that are kept in it."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from nas.candidate import Candidate
from nas.errors import OutputError, StudyError
from nas.objectives import learned, losses
from nas.output.atomic_file import json_bytes, sweep, write_atomically
from nas.output.disk_usage import folder_size
from nas.output.file_lock import FileLock, HeldError
from nas.output.model_card import CARD, model_card
from nas.pareto import Point, dominates
from nas.records import Evaluation, Trial, TrialState, outcome_from_json
from nas.values.json_fields import MalformedError, mapping, numbers
from nas.values.json_file import read_json

if TYPE_CHECKING:
    from nas.search.driver import Driver
    from nas.search.result import SearchResult

WEIGHTS = "weights.pt"
CANDIDATE = "candidate.json"
OUTCOME = "outcome.json"
ANSWERS = "answers.json"
"""The file of what a network answered on the validation images, which not every evaluator writes."""
FILES = ("config.yaml", "provenance.json", "trials.csv", "report.html", "checkpoints", "models", "logs")
"""Names that a search writes. In a folder that no search has used before, such files belong to somebody else."""
Check = Callable[[Path, Trial], object]
"""Raises an OutputError if the weights in a folder are not whole, or do not fit a trial's network."""


class OutputFolder:
    """A search's folder, held by one driver at a time.

    It is a context manager. Entering makes the folder and takes its lock; leaving releases the lock, and removes the folder
    if it was newly made and nothing was written to it. The lock is also released if the process is killed.

    Raises:
        OutputError: The folder cannot be made or written to.
        StudyError: Another driver holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(self._lock_path)
        self._made: list[Path] = []

    @property
    def database(self) -> Path:
        """The SQLite file of the study, which is used unless another storage is given."""
        return self.path / "study.db"

    @property
    def checkpoints(self) -> Path:
        """The folder with one folder per trial, which holds its checkpoint, and later its weights."""
        return self.path / "checkpoints"

    @property
    def models(self) -> Path:
        """The folder with one folder per front member, which `load_model` reads."""
        return self.path / "models"

    @property
    def events(self) -> Path:
        """The event log, for other programs."""
        return self.path / "events.jsonl"

    @property
    def tensorboard(self) -> Path:
        """The folder of the TensorBoard curves, where they are asked for."""
        return self.path / "tensorboard"

    @property
    def latencies(self) -> Path:
        """The file of the measured latencies, one line of JSON each."""
        return self.path / "latencies.jsonl"

    @property
    def logs(self) -> Path:
        """The folder of what the workers wrote to standard error."""
        return self.path / "logs"

    def refuse_unusable(self) -> None:
        """Raises what entering would raise, as far as that is known without writing; called before images are read."""
        self._refuse_foreign()
        there = next(place for place in (self.path, *self.path.absolute().parents) if _is_there(place))
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            reason = "no permission" if there.is_dir() else f"{there} is no folder"
            raise OutputError(f"--output {self.path}: cannot be written ({reason})")
        if self._lock_path.exists():
            self._take_lock()
            self._lock.release()

    def __enter__(self) -> OutputFolder:
        self._refuse_foreign()
        missing = [place for place in (self.path, *self.path.parents) if not _is_there(place)]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"--output {self.path}: cannot be written ({error.strerror or error})") from error
        self._made = missing
        self._take_lock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
        # A search that is refused leaves nothing behind.
        with suppress(OSError):
            if self._made and list(self.path.iterdir()) == [self._lock_path]:
                self._lock_path.unlink()
                for place in self._made:
                    place.rmdir()

    @property
    def _lock_path(self) -> Path:
        return self.path / ".lock"

    def _refuse_foreign(self) -> None:
        foreign = [name for name in FILES if _is_there(self.path / name)]
        if foreign and not _is_there(self._lock_path) and not _is_there(self.database):
            raise OutputError(
                f"--output {self.path} holds {', '.join(foreign)} that no search has written; choose another --output"
            )

    def _take_lock(self) -> None:
        try:
            self._lock.take()
        except HeldError as error:
            remedy = f" ({error.remedy})" if error.remedy else ""
            raise StudyError(
                f"--output {self.path} is in use by another running search ({error.owner}); "
                f"wait for it, stop it, or choose another --output{remedy}"
            ) from error
        except OutputError as error:
            raise OutputError(f"--output {self.path}: cannot be written ({error})") from error

    def sweep(self) -> None:
        """Removes what killed writers left half written. Only the search that holds the folder may call it."""
        for folder in (self.path, *self.checkpoints.glob("*"), *self.models.glob("*")):
            sweep(folder)

    def forget(self, trials: Iterable[int]) -> None:
        """Removes the weights of recorded trials."""
        for number in trials:
            shutil.rmtree(self.checkpoints / str(number), ignore_errors=True)

    def publish(self, result: SearchResult, check: Check) -> dict[int, str]:
        """Makes `models/` hold exactly the front: for each member its weights, the description that `load_model` needs, a card.

        Weights are copied if they are whole and were left by the training of this member. Without such weights, a model
        that is already there stays.

        Args:
            result: The results of the search.
            check: Refuses weights that are not whole, or do not fit a candidate's network.

        Returns:
            The members without weights: the reason by trial number.

        Raises:
            OutputError: A file cannot be written.
        """
        missing = {}
        name = learned(result.objectives).name
        for number in result.front.trials:
            trial = result.trials[number]
            trained, model = self.checkpoints / str(number), self.models / str(number)
            fault = _fault(trained, OUTCOME, trial, name, check)
            if not fault:
                write_atomically(model / WEIGHTS, (trained / WEIGHTS).read_bytes())
                _copy_answers(trained / ANSWERS, model / ANSWERS)
            elif kept := _fault(model, CANDIDATE, trial, name, check):
                missing[number] = fault if (trained / WEIGHTS).exists() or not (model / WEIGHTS).exists() else kept
                continue
            description = {
                "space": dict(result.space),
                "candidate": trial.candidate.to_json(),
                "values": trial.values(),
                "data": dict(result.data),
            }
            write_atomically(model / CANDIDATE, json_bytes(description))
            card = model_card(result, trial, _text(model / CARD))
            write_atomically(model / CARD, card.encode())
        members = {str(number) for number in result.front.trials}
        for folder in self.models.iterdir() if self.models.exists() else ():
            if folder.name not in members and folder.name.isdecimal() and (folder / CANDIDATE).exists():
                shutil.rmtree(folder, ignore_errors=True)
        return missing


def _text(path: Path) -> str:
    """The text of a file; empty if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _copy_answers(trained: Path, model: Path) -> None:
    """Puts the answers of a network beside its weights, or removes those of the weights that were there before."""
    if trained.is_file():
        write_atomically(model, trained.read_bytes())
    else:
        model.unlink(missing_ok=True)


def _fault(folder: Path, record: str, trial: Trial, name: str, check: Check) -> str:
    """Why the weights in a folder are not those of a trial; empty if they are.

    Args:
        folder: Folder of the weights and of a record that says to which trial they belong.
        record: File name of that record.
        trial: The trial to which the weights should belong.
        name: Name of the learned objective, by whose values trainings are told apart.
        check: See `OutputFolder.publish`.
    """
    if not (folder / WEIGHTS).exists():
        return "its weights are gone, did not fit into --search.checkpoint_budget_gb, or were trained into another output folder"
    try:
        if not _is_of(mapping(read_json(folder / record, finite=False), record), trial, name):
            return f"the weights in {folder} are of another training"
        check(folder, trial)
    except FileNotFoundError:
        return f"the weights in {folder} are without {record}, which says whose they are"
    except (OutputError, MalformedError) as error:
        return f"its weights are broken: {error}"
    return ""


def _is_of(record: Mapping[str, Any], trial: Trial, name: str) -> bool:
    """Whether an outcome or model description is that of a trial, judged by the training's results and its seconds."""
    if "values" in record:
        described = Candidate.from_json(mapping(record.get("candidate"), "candidate"))
        return numbers(record["values"], "values").get(name) == trial.values().get(name) and (
            described.decisions.items() <= trial.candidate.decisions.items()
        )
    left, known = outcome_from_json(mapping(record.get("outcome"), "outcome")), trial.outcome
    if not (isinstance(left, Evaluation) and isinstance(known, Evaluation)):
        return False
    return (left.measurements, left.seconds) == (known.measurements, known.seconds)


def is_begun(folder: Path) -> bool:
    """Whether a search has been begun in a folder, so that the same command continues it."""
    return _is_there(folder / ".lock")


def _is_there(path: Path) -> bool:
    """Whether a path exists; False also if the system cannot answer."""
    try:
        return path.exists()
    except OSError:
        return False


BEATEN_BY = 10
"""A network that more than so many others beat in everything is not expected to return to the front when values are known
better.
"""


FULL = 0.5
"""Above this share of the budget, weights that may still be of use are removed too, since running trainings need the rest."""


class ModelKeeper:
    """Saves disk space while a search runs, by removing weights of trials that will not be on the front.

    Args:
        folder: Output folder of the search.
        driver: Driver of the search.
        budget: Bytes that checkpoints may take. Near this, weights of trials that any other trial beats are removed
            too, and then checkpoints of paused trials, which would have to begin anew.
    """

    def __init__(self, folder: OutputFolder, driver: Driver, budget: int | None = None) -> None:
        self._folder = folder
        self._driver = driver
        self._budget = budget
        self._seen: set[int] = set()
        self._points: dict[int, Point] = {}
        self._beaten: Counter[int] = Counter()

    def update(self) -> None:
        """Looks for trials that have ended, and removes files that are of no use any more."""
        for trial in self._driver.trained():
            if trial.number not in self._seen:
                self._seen.add(trial.number)
                self._folder.forget(self._useless(trial))
                self._make_room()

    def _make_room(self) -> None:
        """Removes the files of least use until half of the budget is free."""
        if self._budget is None:
            return
        beaten = sorted((number for number in self._points if self._beaten[number]), key=lambda n: -self._beaten[n])
        for number in [*beaten, *self._driver.paused]:
            if folder_size(self._folder.checkpoints) <= FULL * self._budget:
                return
            self._folder.forget([number])
            self._points.pop(number, None)

    def _useless(self, trial: Trial) -> list[int]:
        """The trials whose weights are of no use now that this trial has ended."""
        if trial.state is not TrialState.COMPLETE or trial.replicate_of is not None:
            return [trial.number]
        point = losses(self._driver.objectives, trial.values())
        for number, other in self._points.items():
            if dominates(other, point):
                self._beaten[trial.number] += 1
            elif dominates(point, other):
                self._beaten[number] += 1
        self._points[trial.number] = point
        useless = [number for number in self._points if self._beaten[number] > BEATEN_BY]
        for number in useless:
            del self._points[number]
        return useless
