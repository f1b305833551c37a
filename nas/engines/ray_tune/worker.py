"""What runs in a Ray actor: one task after the other, each of them a trial of Tune, reported to Tune message by message."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Mapping
from typing import Any

from ray import tune

from nas.engines.serving import FATAL, OUTCOME, PROGRESS, make_evaluator, serve
from nas.errors import NasError
from nas.records import Progress, Task

KIND, BODY = "kind", "body"
"""Keys of a result: the kind of the message, and its body as JSON text, which Tune passes on unchanged."""


WAITING = "waiting"
"""Kind of a message that has no news, from a training that waits for an answer."""
LOOK_AGAIN = 0.5
"""Seconds after which such a message is sent."""


class Worker(tune.Trainable):
    """Trains the task in its config. An actor is reused for many tasks and keeps its evaluator, and with it the images.

    Tune asks for the next message with `step`. A training at a rung waits for `answer`, which the scheduler calls; since an
    actor does one call at a time, `step` meanwhile returns without news every now and then.
    """

    def setup(self, config: dict[str, Any], arrays: Mapping[str, Any] | None = None) -> None:
        """Starts the thread that trains.

        Args:
            config: Config of the trial.
            arrays: Arrays of the `WorkerSpec`. They are in the machine's object store, which its workers share.
        """
        self._tasks: queue.Queue[str] = queue.Queue()
        self._messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self._answers: queue.Queue[bool] = queue.Queue()
        self._waits = False
        arguments = json.loads(config["arguments"])
        threading.Thread(target=self._work, args=(config["factory"], arguments, arrays), daemon=True).start()
        self._tasks.put(config["task"])

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Takes the config of the next task."""
        self._tasks.put(new_config["task"])
        return True

    def step(self) -> dict[str, Any]:
        """The next message, or after a while a message without news if the training waits for an answer."""
        try:
            return self._messages.get(timeout=LOOK_AGAIN if self._waits else None)
        except queue.Empty:
            return {KIND: WAITING, BODY: "{}", "done": False}

    def answer(self, go_on: bool) -> None:
        """Tells the training that waits at a rung whether to go on."""
        self._answers.put(go_on)

    def _work(self, factory: str, arguments: dict[str, Any], arrays: Mapping[str, Any] | None) -> None:
        try:
            evaluator = make_evaluator(factory, arguments, arrays)
        except NasError as error:
            self._say(FATAL, {"message": str(error)})
            return
        except Exception as error:  # the process border
            self._say(FATAL, {"message": f"a worker could not be started: {type(error).__name__}: {error}"})
            return
        while True:
            task = Task.from_json(json.loads(self._tasks.get()))
            self._say(*serve(evaluator, task, self._tell))

    def _tell(self, progress: Progress) -> bool:
        self._waits = progress.waits
        self._say(PROGRESS, progress.to_json())
        if not self._waits:
            return True
        go_on = self._answers.get()
        self._waits = False
        return go_on

    def _say(self, kind: str, body: dict[str, Any]) -> None:
        self._messages.put({KIND: kind, BODY: json.dumps(body), "done": kind in (OUTCOME, FATAL)})
