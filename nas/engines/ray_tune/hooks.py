"""The connection between Tune and the driver: a thin searcher, scheduler and stopper. All lasting state is the driver's."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.tune import Stopper
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from nas.engines.packing import Packing
from nas.engines.ray_tune.deaths import signal_of
from nas.engines.ray_tune.worker import BODY, KIND
from nas.engines.serving import FATAL, OUTCOME, PROGRESS, WorkerError
from nas.ports import Tasks
from nas.records import FailureKind, Progress, outcome_from_json


@dataclass(slots=True)
class _Live:
    """A task that Tune is running."""

    trial: int
    """Number of the trial in the study."""
    heard: float
    """Time of the last sign of life, in seconds of the monotonic clock."""
    hung: bool = False
    cause: str = "killed, or its machine is gone"
    """What the worker died of, as far as is known."""


class TuneBridge:
    """What the three hooks share: the tasks to work off, those under way, and the first error.

    Tune turns exceptions of its hooks into text. Here the first exception is kept, ends the experiment, and is raised afterwards.

    Args:
        tasks: The tasks that are worked off.
        packing: Keeps track of the devices' memory.
        slots: Gives the number of tasks for which there is room now.
        timeout: Seconds of silence after which a worker counts as hanging.
        on_event: Called about ten times a second.
    """

    def __init__(
        self,
        tasks: Tasks,
        packing: Packing,
        slots: Callable[[], int],
        timeout: float,
        on_event: Callable[[], object],
    ) -> None:
        self._tasks = tasks
        self._packing = packing
        self._slots = slots
        self._timeout = timeout
        self._on_event = on_event
        self._live: dict[str, _Live] = {}
        self.fault: BaseException | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles its hooks into its own state, which is never restored and must hold no storage's password."""
        return {}

    def next_task(self, tune_id: str) -> str | None:
        """The next task as JSON text; None if there is no task or no room for one."""
        if len(self._live) >= self._slots():
            return None
        task = self._tasks.next_task()
        if task is None:
            return None
        self._live[tune_id] = _Live(task.trial, time.monotonic())
        return json.dumps(task.to_json())

    def heard(self, tune_id: str, result: Mapping[str, Any]) -> bool | None:
        """Handles a message of a running task, and returns the answer to give at a rung."""
        self._live[tune_id].heard = time.monotonic()
        if result[KIND] != PROGRESS:
            return None
        progress = Progress.from_json(json.loads(result[BODY]))
        go_on = self._tasks.on_progress(progress)
        if progress.memory is not None:
            self._packing.ask(progress.trial, progress.memory)
            return None
        return go_on if progress.waits else None

    def died(self, tune_id: str, error_file: str | None) -> None:
        """Records why Tune has lost the worker of a task, as far as Tune knows; `ended` is called next."""
        if tune_id in self._live and error_file is not None:
            name = signal_of(Path(error_file).read_text())
            self._live[tune_id].cause = name or self._live[tune_id].cause

    def ended(self, tune_id: str, result: Mapping[str, Any] | None) -> None:
        """Called when Tune is done with a task: it has an outcome, has lost its worker, or the search is being stopped."""
        live = self._live.pop(tune_id, None)
        if live is None:
            return
        self._packing.leave(live.trial)
        kind = None if result is None else result.get(KIND)
        if result is None and live.hung:
            reason = f"the worker gave no sign of life for {self._timeout:g} s"
            self._tasks.on_lost(live.trial, reason, FailureKind.TIMED_OUT)
        elif result is None:
            self._tasks.on_lost(live.trial, f"the worker process died ({live.cause})")
        elif kind == OUTCOME:
            self._tasks.on_outcome(live.trial, outcome_from_json(json.loads(result[BODY])))
        elif kind == FATAL:
            raise WorkerError(json.loads(result[BODY])["message"])

    def look(self, controller: TuneController) -> None:
        """Lets in trainings that wait for memory, kills workers that hang, and updates displays."""
        begin = time.monotonic()
        self._on_event()
        now = time.monotonic()
        for each in self._live.values():  # messages were not read meanwhile, as renewing the report may take a while
            each.heard += now - begin
        let_in = self._packing.let_in()
        for trial in controller.get_live_trials():
            live, actor = self._live.get(trial.trial_id), trial.temporary_state.ray_actor
            if live is not None and actor is None:
                live.heard = now  # it waits for room, or for its worker to start
            elif live is not None and live.trial in let_in:
                actor.answer.remote(True)
            elif live is not None and not live.hung and now - live.heard > self._timeout:
                live.hung = True
                ray.kill(actor)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self._tasks.finished

    def guarded(self, call: Callable[[], Any], otherwise: Any = None) -> Any:
        """Returns the result of a call and keeps its first exception, after which nothing is called any more."""
        if self.fault is not None:
            return otherwise
        try:
            return call()
        except BaseException as error:
            self.fault = error
            return otherwise


class DriverSearcher(Searcher):
    """Gives Tune the tasks as trials, and says what became of them."""

    def __init__(self, bridge: TuneBridge, common: Mapping[str, str]) -> None:
        super().__init__()
        self._bridge = bridge
        self._common = dict(common)

    def suggest(self, trial_id: str) -> Any:
        """The config of the next task; None if there is no task at the moment, `FINISHED` if there will be none."""
        task = self._bridge.guarded(lambda: self._bridge.next_task(trial_id))
        if task is not None:
            return {**self._common, "task": task}
        return Searcher.FINISHED if self._bridge.fault is not None or self._bridge.finished else None

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Called when a task has ended or has lost its worker."""
        self._bridge.guarded(lambda: self._bridge.ended(trial_id, None if error else result or {}))

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Does nothing, since the scheduler has passed the result on."""

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Does nothing, since everything that must be kept is in the study."""


class DriverScheduler(FIFOScheduler):
    """Passes on signs of life, and the answers at rungs to workers."""

    def __init__(self, bridge: TuneBridge) -> None:
        super().__init__()
        self._bridge = bridge

    def on_trial_result(self, tune_controller: TuneController, trial: TuneTrial, result: dict[str, Any]) -> str:
        """Always lets the trial continue. A training that is to be paused returns its evaluation so far by itself."""
        go_on = self._bridge.guarded(lambda: self._bridge.heard(trial.trial_id, result))
        actor = trial.temporary_state.ray_actor
        if go_on is not None and actor is not None:
            # This comes before Tune's next call of the same actor, since calls of one caller are kept in order.
            actor.answer.remote(go_on)
        return TrialScheduler.CONTINUE

    def on_trial_error(self, tune_controller: TuneController, trial: TuneTrial) -> None:
        """Records what the worker died of, which can be known only here."""
        self._bridge.guarded(lambda: self._bridge.died(trial.trial_id, trial.error_file))

    def choose_trial_to_run(self, tune_controller: TuneController) -> TuneTrial | None:
        """The oldest trial, as in Tune's own scheduler. Tune calls this at every turn of its loop, so time is kept here."""
        self._bridge.guarded(lambda: self._bridge.look(tune_controller))
        return super().choose_trial_to_run(tune_controller)


class FaultStopper(Stopper):
    """Ends the experiment at once after an error. When no work is left, the searcher says so."""

    def __init__(self, bridge: TuneBridge) -> None:
        self._bridge = bridge

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Always False, since no single trial is stopped this way."""
        return False

    def stop_all(self) -> bool:
        """Whether there was an error."""
        return self._bridge.fault is not None
