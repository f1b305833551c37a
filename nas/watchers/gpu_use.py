"""How busy this machine's GPUs are, for the progress display."""

from __future__ import annotations

import subprocess
import threading
from types import TracebackType

EVERY = 5.0
"""Seconds between two queries of nvidia-smi."""
COMMAND = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")


class GpuUse:
    """Queries nvidia-smi regularly in a thread beside the search. It is a context manager, and does nothing without nvidia-smi."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.percent: tuple[float, ...] = ()
        """Share of the last moments in which kernels ran, in percent, by GPU; empty while nothing is known."""

    def __enter__(self) -> GpuUse:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.is_set():
            try:
                done = subprocess.run(COMMAND, capture_output=True, text=True, timeout=EVERY, check=True)
                self.percent = tuple(float(line) for line in done.stdout.split())
            except (OSError, ValueError, subprocess.SubprocessError):
                return
            self._ended.wait(EVERY)
