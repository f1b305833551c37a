"""SIGTERM and SIGHUP end a search as Ctrl-C does: what is there is written, and the same command continues.

Slurm, Kubernetes and systemd send SIGTERM before they kill; a terminal that is closed sends SIGHUP. For a process that is the first
of a container the system has no action of its own: without a handler it would hear neither.
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
"""Seconds within which further signals belong to the first: systemd sends SIGHUP behind SIGTERM, and of a closed terminal both the
shell and the kernel tell."""


class Stopped(KeyboardInterrupt):
    """A signal asks this process to end.

    Args:
        number: Of the signal.
    """

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number)
        super().__init__(f"stopped by {self.signal.name}")

    @property
    def exit_code(self) -> int:
        """As a shell tells it: 130, 143 or 129."""
        return 128 + self.signal


class _Handlers:
    """Of this process, while `ending_signals` holds."""

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
            # Not an exception: what waits for something to end would wait on.
            os._exit(Stopped(self.first).exit_code)

    def _leave_closed_terminals(self) -> None:
        """What is still to be said goes nowhere, where it would be an error and keep the report from being written."""
        for stream in self._terminals:
            if not os.isatty(stream):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream)
                os.close(nowhere)


_handlers: _Handlers | None = None


@contextmanager
def ending_signals() -> Iterator[None]:
    """Inside, the first of SIGINT, SIGTERM and SIGHUP raises `Stopped` in the main thread; a later one ends the process at once.

    Signals that are ignored stay so (nohup), as do those that have another handler. Outside the main thread nothing changes.
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
    """What the first signal raised, if one has come: some libraries make another `KeyboardInterrupt` of it, or none."""
    return None if _handlers is None or _handlers.first is None else Stopped(_handlers.first)


def stop_if_asked() -> None:
    """Raises `Stopped` if a signal has come."""
    if stop := asked_to_stop():
        raise stop


@contextmanager
def held_signals() -> Iterator[None]:
    """What is inside is done to its end before a first signal that comes meanwhile raises `Stopped`."""
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
    """For the start of a library that has handlers of its own: those that are set inside for `ENDING` do not stay."""
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
    """For a process that a search has started: a terminal, Slurm and systemd signal all of them, and the driver alone decides."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
