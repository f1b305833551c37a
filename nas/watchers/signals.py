"""SIGTERM and SIGHUP end a search as Ctrl-C does: its results so far are written, and the same command continues it.

Slurm, Kubernetes and systemd send SIGTERM before they kill a process; a terminal that is closed sends SIGHUP. For the first
process of a container the system has no default action: without a handler it would receive neither.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TOGETHER = 1.0
"""Further signals within so many seconds belong to the first one: systemd sends SIGHUP after SIGTERM, and when a terminal is
closed, both the shell and the kernel send a signal.
"""


class Stopped(KeyboardInterrupt):
    """Raised when a signal has asked this process to end.

    Args:
        number: Number of the signal.
    """

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number)
        super().__init__(f"stopped by {self.signal.name}")

    @property
    def exit_code(self) -> int:
        """The exit code that a shell would report: 130, 143 or 129."""
        return 128 + self.signal


class _Handlers:
    """The signal handlers of this process while `ending_signals` is active."""

    def __init__(self) -> None:
        self.first: int | None = None
        self.held = 0
        self._since = 0.0
        self._terminals = [stream for stream in (1, 2) if os.isatty(stream)]

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.first is None:
            self.first, self._since = number, time.monotonic()
            self._leave_closed_terminals()
            if not self.held:
                raise Stopped(number)
        elif time.monotonic() - self._since >= TOGETHER:
            # This is not an exception, because code that waits for something to end would go on waiting.
            os._exit(Stopped(self.first).exit_code)

    def _leave_closed_terminals(self) -> None:
        """Redirects output that would go to a closed terminal, where it would be an error and prevent the report."""
        for stream in self._terminals:
            if not os.isatty(stream):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream)
                os.close(nowhere)


_handlers: _Handlers | None = None


@contextmanager
def ending_signals() -> Iterator[None]:
    """A context in which the first SIGINT, SIGTERM or SIGHUP raises `Stopped`; a second one ends the process.

    `Stopped` is raised in the main thread. Signals that are ignored (nohup) or have another handler stay as they are. Outside
    the main thread the context does nothing.
    """
    global _handlers
    if threading.current_thread() is not threading.main_thread() or _handlers is not None:
        yield
        return
    _handlers = _Handlers()
    usual = (signal.SIG_DFL, signal.default_int_handler)
    before = {number: there for number in ENDING if (there := signal.getsignal(number)) in usual}
    try:
        for number in before:
            signal.signal(number, _handlers.on_signal)
        yield
    finally:
        for number, there in before.items():
            signal.signal(number, there)
        _handlers = None


def asked_to_stop() -> Stopped | None:
    """What the first signal raised, or None. Some libraries replace it by another `KeyboardInterrupt`, or swallow it."""
    return None if _handlers is None or _handlers.first is None else Stopped(_handlers.first)


def stop_if_asked() -> None:
    """Raises `Stopped` if a signal has arrived."""
    if stop := asked_to_stop():
        raise stop


@contextmanager
def held_signals() -> Iterator[None]:
    """A context that is run to its end before a first signal that arrives meanwhile raises `Stopped`."""
    handlers = _handlers
    if handlers is None:
        yield
        return
    before = handlers.first
    handlers.held += 1
    try:
        yield
    finally:
        handlers.held -= 1
    if handlers.first is not None and before is None:
        raise Stopped(handlers.first)


@contextmanager
def own_handlers() -> Iterator[None]:
    """A context for starting a library that sets handlers of its own: those it sets for `ENDING` are taken back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    set_handler = signal.signal
    before = {int(number): there for number in ENDING if (there := signal.getsignal(number)) is not None}
    signal.signal = lambda number, new: before[number] if number in before else set_handler(number, new)  # type: ignore
    try:
        yield
    finally:
        signal.signal = set_handler
        for number, there in before.items():  # Ray has some in C too, of which Python knows nothing
            signal.signal(number, there)


def leave_signals_to_the_driver() -> None:
    """Called in processes that a search starts: Slurm and systemd signal all of them, but the driver alone decides."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
