"""The local engine: worker processes on this machine, each training one candidate at a time."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.engines.packing import Packing
from nas.engines.serving import FATAL, OUTCOME, PROGRESS, READY, WorkerError, python_path
from nas.errors import OutputError
from nas.ports import Tasks, WorkerSpec
from nas.records import Progress, Task, outcome_from_json

TICK = 0.5
"""The engine wakes up after so many seconds even if no worker has sent anything."""


@dataclass(frozen=True, slots=True)
class _Message:
    worker: _Worker
    kind: str
    body: dict[str, Any]


class _Worker:
    """A worker process and the task it is working on."""

    def __init__(self, spec: WorkerSpec, log: Path, inbox: queue.Queue[_Message]) -> None:
        self.log = log
        self.ready = False
        self.task: Task | None = None
        # With -P the current folder is not put first, where a file of the user's could shadow a module.
        environment = {**os.environ, "PYTHONPATH": python_path()}
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "nas.engines.worker_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                env=environment,
                text=True,
                encoding="utf-8",
            )
        self.send({"factory": spec.factory, "arguments": dict(spec.arguments)})
        self._reader = threading.Thread(target=self._read, args=(inbox,), daemon=True)
        self._reader.start()

    def send(self, body: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        # A broken pipe is a death that the reader sees too, and reports.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(body) + "\n")
            self.process.stdin.flush()

    def give(self, task: Task) -> None:
        self.task = task
        self.send(task.to_json())

    def stop(self) -> None:
        """Ends the process at once and waits for it."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _read(self, inbox: queue.Queue[_Message]) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            # A worker that is killed while it writes leaves half a line, and the end of the stream follows.
            with contextlib.suppress(json.JSONDecodeError):
                message = json.loads(line)
                inbox.put(_Message(self, message["kind"], message["body"]))
        inbox.put(_Message(self, "gone", {}))


class LocalEngine:
    """Runs a search with `workers` processes on this machine.

    Args:
        spec: How a worker makes its evaluator.
        workers: Number of candidates trained at the same time.
        logs: Folder for what the workers write to standard error.
    """

    def __init__(self, spec: WorkerSpec, *, workers: int, logs: Path) -> None:
        self._spec = spec
        self._count = workers
        self._logs = logs
        self._inbox: queue.Queue[_Message] = queue.Queue()
        self._workers: list[_Worker] = []
        self._numbers = itertools.count()
        self.packing = Packing()

    def run(self, tasks: Tasks, on_event: Callable[[], object]) -> None:
        """Works until the tasks are finished, and leaves no process behind, however it ends.

        Args:
            tasks: The tasks to work off, such as those of a search's driver.
            on_event: Called after every change and at least twice a second, for displays.

        Raises:
            WorkerError: A worker could not be started, or finds the images, the settings or the disk unusable.
            CrashStreakError: Several candidates in a row crashed.
            OutputError: The folder of the logs cannot be made.
        """
        try:
            self._logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make the folder {self._logs}: {error.strerror or error}") from error
        try:
            while not tasks.finished:
                self._hand_out(tasks)
                on_event()
                with contextlib.suppress(queue.Empty):
                    self._handle(tasks, self._inbox.get(timeout=TICK))
                self._let_in()
            on_event()
        finally:
            for worker in self._workers:
                worker.stop()
            self._workers.clear()

    def _hand_out(self, tasks: Tasks) -> None:
        idle = [worker for worker in self._workers if worker.task is None]
        while idle or len(self._workers) < self._count:
            task = tasks.next_task()
            if task is None:
                return
            if idle:
                idle.pop().give(task)
            else:
                # The first task of a worker waits in its pipe while the worker starts.
                worker = _Worker(self._spec, self._logs / f"worker-{next(self._numbers)}.log", self._inbox)
                self._workers.append(worker)
                worker.give(task)

    def _handle(self, tasks: Tasks, message: _Message) -> None:
        worker = message.worker
        if message.kind == READY:
            worker.ready = True
        elif message.kind == PROGRESS:
            progress = Progress.from_json(message.body)
            go_on = tasks.on_progress(progress)
            if progress.memory is not None:
                self.packing.ask(progress.trial, progress.memory)
            elif progress.waits:
                worker.send({"go_on": go_on})
        elif message.kind == OUTCOME and worker.task is not None:
            task, worker.task = worker.task, None
            self.packing.leave(task.trial)
            tasks.on_outcome(task.trial, outcome_from_json(message.body))
        elif message.kind == FATAL:
            raise WorkerError(message.body["message"])
        elif message.kind == "gone" and worker in self._workers:
            self._bury(tasks, worker)

    def _let_in(self) -> None:
        trials = self.packing.let_in()
        for worker in self._workers:
            if worker.task is not None and worker.task.trial in trials:
                worker.send({"go_on": True})

    def _bury(self, tasks: Tasks, worker: _Worker) -> None:
        self._workers.remove(worker)
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.process.wait(timeout=10)
        worker.stop()
        if not worker.ready and worker.process.returncode > 0:
            tail = worker.log.read_text(errors="replace").strip().splitlines()
            reason = tail[-1] if tail else f"exit code {worker.process.returncode}"
            raise WorkerError(f"a worker process ended before it was ready: {reason} (log: {worker.log})")
        if worker.task is not None:
            self.packing.leave(worker.task.trial)
            tasks.on_lost(worker.task.trial, f"the worker process died ({_cause(worker.process.returncode)})")


def _cause(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    if -code == signal.SIGKILL:
        return "SIGKILL; when the machine runs out of memory, the kernel does this"
    try:
        return f"{signal.Signals(-code).name}: {signal.strsignal(-code)}"
    except ValueError:  # a real-time signal has no name
        return f"signal {-code}"
