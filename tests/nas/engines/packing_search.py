"""A search whose workers do nothing but hold memory, as much as they said before; for the tests of packing."""

from __future__ import annotations

import mmap
import os
import time
from pathlib import Path

from nas.ports import Tell, WorkerSpec
from nas.records import MemoryNeed, Outcome, Progress, Task
from tests.toy_search import toy_evaluation

MEGABYTE = 2**20
CAPACITY = 64 * MEGABYTE
"""Of every device; widths are 8, 16, 32 and 64, and a candidate holds as many megabytes."""


class HoldingEvaluator:
    """Asks for a megabyte for each of the width, takes it when let in, and writes down when it took it and gave it back.

    It does that once the file `go` is in the folder.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def evaluate(self, task: Task, progress: Tell) -> Outcome:
        width = task.candidate.architecture["width"]
        assert isinstance(width, int)
        size = width * MEGABYTE
        before = resident()
        need = MemoryNeed(device="here, cpu", bytes=size, capacity=CAPACITY)
        assert progress(Progress(trial=task.trial, epochs=0, memory=need)) is True
        held = mmap.mmap(-1, size)
        held.write(bytes(size))
        assert resident() - before > 0.9 * size
        self._write(size)
        while not (self._folder / "go").exists():
            time.sleep(0.01)
        self._write(-size)
        held.close()
        return toy_evaluation(task, task.budget.epochs)

    def _write(self, change: int) -> None:
        with (self._folder / "held.log").open("a") as log:
            log.write(f"{change}\n")


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def make_holding_evaluator(folder: str) -> HoldingEvaluator:
    return HoldingEvaluator(folder)


def holding_worker(folder: Path) -> WorkerSpec:
    folder.mkdir(parents=True, exist_ok=True)
    return WorkerSpec(
        factory="tests.nas.engines.packing_search:make_holding_evaluator", arguments={"folder": str(folder)}
    )


def changes(folder: Path) -> list[int]:
    """Bytes that workers took, and below zero gave back, in order."""
    log = folder / "held.log"
    return [int(line) for line in log.read_text().split()] if log.exists() else []
