"""A log of what happens in a search, one line of JSON per event, for programs that watch it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from nas.errors import OutputError
from nas.records import Trial, TrialState
from nas.search.driver import Driver


class EventLog:
    """Follows a driver and writes its events. It is a context manager.

    The events are `search_begun` and `search_ended`; for a trial `begun`, `epoch`, `paused`, and its end as `complete`,
    `stopped`, `failed`, `reused` or `infeasible`; and `front` when the front has changed. Times are seconds since 1970.
    Lines are appended to those of earlier processes of the same search.

    Args:
        driver: Driver of the search.
        path: File to which the lines are written.

    Raises:
        OutputError: The file cannot be written.
    """

    def __init__(self, driver: Driver, path: Path) -> None:
        self._driver = driver
        try:
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error
        trials = driver.trials
        self._next = len(trials)
        self._open = {trial.number for trial in trials if trial.state is TrialState.RUNNING}
        self._epochs: dict[int, int] = {}
        self._paused: set[int] = set()
        self._front: tuple[int, ...] = ()

    def __enter__(self) -> EventLog:
        self._write("search_begun", trials=self._next, target=self._driver.target)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        why = self._driver.ended if error is None else str(error)
        self._write("search_ended", finished=kind is None and self._driver.finished, why=why)
        self._file.close()

    def update(self) -> None:
        """Writes what has changed since the last call."""
        trials = self._driver.trials
        for trial in trials[self._next :]:
            self._begun(trial)
        self._next = len(trials)
        for number, epochs in sorted(self._driver.epochs.items()):
            if self._epochs.get(number) != epochs:
                self._epochs[number] = epochs
                self._write("epoch", trial=number, epochs=epochs)
        paused = set(self._driver.paused)
        for number in sorted(paused - self._paused):
            self._write("paused", trial=number, epochs=self._epochs.get(number))
        self._paused = paused
        for number in sorted(self._open):
            if trials[number].state is not TrialState.RUNNING:
                self._ended(trials[number])
        front = self._driver.front()
        if front.trials != self._front:
            self._front = front.trials
            self._write("front", trials=list(front.trials), hypervolume=front.hypervolume)

    def _begun(self, trial: Trial) -> None:
        self._open.add(trial.number)
        if trial.state is TrialState.RUNNING and trial.reused_from is None:
            self._write(
                "begun",
                trial=trial.number,
                decisions=trial.candidate.decisions,
                costs=dict(trial.costs),
                replicate_of=trial.replicate_of,
            )

    def _ended(self, trial: Trial) -> None:
        self._open.discard(trial.number)
        outcome = trial.outcome
        more: dict[str, Any] = {} if outcome is None else {"epochs": outcome.epochs, "seconds": outcome.seconds}
        if trial.state is TrialState.COMPLETE:
            more["values"] = trial.values()
        elif trial.state is TrialState.FAILED:
            more |= {"kind": getattr(outcome, "kind", None), "message": getattr(outcome, "message", None)}
        self._write(trial.state.value, trial=trial.number, **more)

    def _write(self, event: str, **details: Any) -> None:
        self._file.write(json.dumps({"time": round(time.time(), 3), "event": event, **details}) + "\n")
        self._file.flush()
