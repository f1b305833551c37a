"""How a worker answers a task, whichever engine it belongs to."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from nas.errors import NasError
from nas.ports import Evaluator, Tell
from nas.records import Failure, FailureKind, Outcome, Task
from nas.values.exception_line import exception_line
from nas.values.plausible import RefusedNumberError

READY, PROGRESS, OUTCOME, FATAL = "ready", "progress", "outcome", "fatal"
"""Kinds of message: the evaluator is ready; another epoch is done; the task has ended; no task can be done here."""


class WorkerError(NasError, RuntimeError):
    """A worker cannot work, whatever the candidate: the search stops, and its current trainings can be continued."""


def python_path() -> str:
    """This process's module search path for the environment of a worker, with the current folder written out."""
    return os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)


def make_evaluator(factory: str, arguments: Mapping[str, Any], arrays: Mapping[str, Any] | None = None) -> Evaluator:
    """The evaluator that `module:function` makes from the arguments, and from the arrays if there are any."""
    arguments = {**arguments, "arrays": arrays} if arrays else arguments
    module, _, function = factory.partition(":")
    return cast(Evaluator, getattr(importlib.import_module(module), function)(**arguments))


def attempt(evaluator: Evaluator, task: Task, tell: Tell) -> Outcome:
    """Evaluates a task. A refused number makes its candidate invalid.

    Any other exception counts as a crash, and its traceback is written to standard error.

    Raises:
        NasError: No task can be done in this process.
    """
    try:
        outcome = evaluator.evaluate(task, tell)
        outcome.to_json()  # raises here if it is not an outcome
        return outcome
    except NasError:
        raise
    except RefusedNumberError as error:
        return Failure(kind=FailureKind.INVALID, message=exception_line(error))
    except Exception as error:
        sys.excepthook(type(error), error, error.__traceback__)
        return Failure(kind=FailureKind.CRASHED, message=exception_line(error))


def serve(evaluator: Evaluator, task: Task, tell: Tell) -> tuple[str, dict[str, Any]]:
    """Evaluates a task for another process: returns the kind of the answer, and its body as plain JSON."""
    try:
        return OUTCOME, attempt(evaluator, task, tell).to_json()
    except NasError as error:
        return FATAL, {"message": str(error)}
