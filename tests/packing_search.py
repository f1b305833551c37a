"""A search whose workers do nothing but hold memory, as much as they said before; for the tests of packing."""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Sequence
from pathlib import Path

from toy_search import toy_evaluation

from nas.ports import Tell, WorkerSpec
from nas.records import MemoryNeed, Outcome, Progress, Task

MEGABYTE = 2**20
CAPACITY = 80 * MEGABYTE
"""Of every device; widths are 8, 16, 32 and 64, and a candidate holds as many megabytes."""


class HoldingEvaluator:
    """Asks for a megabyte for each of the width, takes it when let in, and writes down when it took it and gave it back."""

    def __init__(self, folder: str, seconds: float) -> None:
        self._log = Path(folder) / "held.log"
        self._seconds = seconds

    def evaluate(self, task: Task, progress: Tell) -> Outcome:
        size = int(task.candidate.architecture["width"]) * MEGABYTE
        before = resident()
        need = MemoryNeed(device="here, cpu", bytes=size, capacity=CAPACITY)
        assert progress(Progress(trial=task.trial, epochs=0, memory=need)) is True
        held = mmap.mmap(-1, size)
        held.write(bytes(size))
        assert resident() - before > 0.9 * size
        self._write(size)
        time.sleep(self._seconds)
        self._write(-size)
        held.close()
        return toy_evaluation(task, task.budget.epochs)

    def _write(self, change: int) -> None:
        with self._log.open("a") as log:
            log.write(f"{change}\n")


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def make_holding_evaluator(folder: str, seconds: float) -> HoldingEvaluator:
    return HoldingEvaluator(folder, seconds)


def holding_worker(folder: Path, seconds: float = 0.3) -> WorkerSpec:
    folder.mkdir(parents=True, exist_ok=True)
    return WorkerSpec(
        factory="packing_search:make_holding_evaluator", arguments={"folder": str(folder), "seconds": seconds}
    )


def held(folder: Path) -> Sequence[int]:
    """Bytes held by all workers together, after every change."""
    total, totals = 0, []
    for line in (folder / "held.log").read_text().split():
        total += int(line)
        totals.append(total)
    return totals
