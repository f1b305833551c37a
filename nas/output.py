"""The output folder of a search: its names, its lock, and which models are kept in it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING

from nas.atomic_file import json_bytes, write_atomically
from nas.errors import OutputError, StudyError
from nas.records import TrialState

if TYPE_CHECKING:
    from nas.driver import Driver
    from nas.result import SearchResult

WEIGHTS = "weights.pt"
CANDIDATE = "candidate.json"
FILES = ("config.yaml", "provenance.json", "trials.csv", "report.html", "checkpoints", "models", "logs")
"""What a search writes; in a folder that no search has used before they are somebody else's."""


class OutputFolder:
    """A search's folder, held by one driver at a time.

    Used as a context manager: enters by making the folder and taking its lock, leaves by giving the lock back. The kernel gives
    it back too if the process is killed.

    Raises:
        OutputError: The folder cannot be made or written.
        StudyError: Another driver holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    @property
    def database(self) -> Path:
        """The study's SQLite file, where no other storage is asked for."""
        return self.path / "study.db"

    @property
    def checkpoints(self) -> Path:
        """One folder a trial: its checkpoint, then its weights."""
        return self.path / "checkpoints"

    @property
    def models(self) -> Path:
        """One folder a front member: what `load_model` reads."""
        return self.path / "models"

    @property
    def logs(self) -> Path:
        """What the workers wrote to standard error."""
        return self.path / "logs"

    def __enter__(self) -> OutputFolder:
        lock = self.path / ".lock"
        foreign = [name for name in FILES if (self.path / name).exists()]
        if foreign and not lock.exists() and not self.database.exists():
            raise OutputError(
                f"--output {self.path} holds {', '.join(foreign)} that no search has written; choose another --output"
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = lock.open("a+")
        except OSError as error:
            raise OutputError(f"--output {self.path}: cannot be written ({error.strerror or error})") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.seek(0)
            owner = self._lock.read().strip() or "unknown"
            self._lock.close()
            raise StudyError(
                f"--output {self.path} is in use by another running search (process {owner}); "
                "wait for it, stop it, or choose another --output"
            ) from error
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            self._lock.close()

    def forget(self, trials: Iterable[int]) -> None:
        """Removes the weights of trials that are recorded and on no front; a dominated trial never comes back."""
        for number in trials:
            shutil.rmtree(self.checkpoints / str(number), ignore_errors=True)

    def publish(self, result: SearchResult) -> list[int]:
        """Makes `models/` hold exactly the front: for each member its weights, and the description `load_model` needs.

        Returns:
            Members whose weights are not here: they were trained into another output folder.

        Raises:
            OutputError: A file cannot be written.
        """
        missing = []
        for number in result.front.trials:
            folder = self.models / str(number)
            weights = self.checkpoints / str(number) / WEIGHTS
            if weights.exists():
                write_atomically(folder / WEIGHTS, weights.read_bytes())
            elif not (folder / WEIGHTS).exists():
                missing.append(number)
                continue
            trial = result.trials[number]
            description = {
                "space": dict(result.space),
                "candidate": trial.candidate.to_json(),
                "values": trial.values(),
                "data": dict(result.data),
            }
            write_atomically(folder / CANDIDATE, json_bytes(description))
        members = {str(number) for number in result.front.trials}
        for folder in self.models.iterdir() if self.models.exists() else ():
            if folder.name not in members and folder.name.isdecimal() and (folder / CANDIDATE).exists():
                shutil.rmtree(folder, ignore_errors=True)
        return missing


ENDED = (TrialState.COMPLETE, TrialState.STOPPED, TrialState.FAILED)


class ModelKeeper:
    """Keeps the disk small while a search runs: weights of trials that are on no front are removed.

    A dominated trial never comes back to the front.
    """

    def __init__(self, folder: OutputFolder, driver: Driver) -> None:
        self._folder = folder
        self._driver = driver
        self._forgotten: set[int] = set()
        self._complete = 0

    def update(self) -> None:
        """Looks for trials that have ended and are not on the front."""
        ended = [t.number for t in self._driver.trials if t.state in ENDED]
        if len(ended) == self._complete:
            return
        self._complete = len(ended)
        dominated = set(ended) - set(self._driver.front().trials) - self._forgotten
        self._folder.forget(dominated)
        self._forgotten |= dominated
