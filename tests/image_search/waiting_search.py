"""The command of a search whose third training waits until there is a file `go` in the output folder, for tests that signal it.

The report is renewed whenever there is something new.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import image_search.plan
import image_search.worker
import nas.watchers.renewal
from nas.ports import Evaluator, Tell, WorkerSpec
from nas.records import Outcome, Task
from run_search import main

WAITS = 2
"""The trial that waits."""
worker_spec = image_search.plan.Plan.worker_spec


class Waiting:
    def __init__(self, evaluator: Evaluator, output: Path) -> None:
        self._evaluator = evaluator
        self._output = output

    def evaluate(self, task: Task, progress: Tell) -> Outcome:
        if task.trial == WAITS:
            (self._output / "waits").touch()
            while not (self._output / "go").exists():
                time.sleep(0.01)
        return self._evaluator.evaluate(task, progress)


def waiting_spec(plan: image_search.plan.Plan, checkpoints: Path) -> WorkerSpec:
    return replace(worker_spec(plan, checkpoints), factory="tests.image_search.waiting_search:make_evaluator")


def make_evaluator(**arguments: Any) -> Evaluator:
    return Waiting(image_search.worker.make_evaluator(**arguments), Path(arguments["evaluator"]["checkpoints"]).parent)


if __name__ == "__main__":
    nas.watchers.renewal.LEAST_SECONDS = 0.0
    nas.watchers.renewal.LEAST_RATIO = 0
    image_search.plan.Plan.worker_spec = waiting_spec  # type: ignore[method-assign, assignment]
    sys.exit(main())
