"""Whether this machine computes trainings correctly, checked in a process of its own, which a faulty kernel may kill or hang.

The process, `python -m evaluator.measuring.machine_check`, makes networks, compares their layers with double precision
(`evaluator.measuring.exactness`), and reports in lines of JSON what it computes with, each layer before computing it, and
its findings.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from torch import nn

from evaluator.device import Execution
from evaluator.machine import this_machine
from evaluator.measuring.exactness import TOLERANCES, Deviation, worst_deviation
from evaluator.training.allocator import keep_freed_memory
from nas.engines.serving import python_path
from nas.errors import MachineError
from nas.watchers.signals import leave_signals_to_the_driver

LIMIT_SECONDS = 300.0
"""The check counts as hanging after so many seconds. A few seconds are usual; on a busy machine with a slow disk, importing
torch takes longest.
"""
MULTIPLY_ADDS = 1e8
"""Multiply-adds of a forward of all images together, with which the check of a network takes a few tenths of a second on one
core.
"""
LEAST_IMAGES = 2
"""Least number of images, which batch norms need."""
MACHINE, REMEDIES, LAYER, FAULT = "machine", "remedies", "layer", "fault"
"""Kinds of the lines: what the process computes with, what may help, the next layer, a fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A network, and how trainings compute it."""

    name: str
    network: nn.Module
    input_shape: tuple[int, int, int, int]
    """Shape `(n, c, h, w)` of a batch."""
    execution: Execution
    threads: int


def images_of(multiply_adds: float, batch_size: int) -> int:
    """The number of images of a batch that are computed: all of them for small networks, down to two for those of ImageNet.

    The choice of kernels depends on the batch size too. Those known to be faulty are for few channels, which only small
    networks have.

    Args:
        multiply_adds: Multiply-adds of the network for one image.
        batch_size: Batch size of trainings.
    """
    return min(batch_size, max(LEAST_IMAGES, int(MULTIPLY_ADDS / multiply_adds)))


class MachineCheck:
    """A check that begins when this object is made. It is a context manager that ends the check's process, done or not.

    Args:
        factory: `module:function`; the function takes `arguments` as keywords and returns the `Subject`s.
        arguments: Keyword arguments of the function, as plain JSON.
        limit_seconds: A longer check counts as hanging.
    """

    def __init__(self, factory: str, arguments: Mapping[str, Any], limit_seconds: float = LIMIT_SECONDS) -> None:
        self._limit = limit_seconds
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "evaluator.measuring.machine_check"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": python_path()},
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        assert self.process.stdin is not None
        request = {"factory": factory, "arguments": dict(arguments), "limit_seconds": limit_seconds}
        # If the process has already ended, its exit code will say why.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate()

    def require(self) -> None:
        """Waits for the result of the check.

        Raises:
            MachineError: A layer is computed wrongly, or the process died or hung; the message says at which layer, and
                what may help.
        """
        try:
            said, complaints = self.process.communicate(timeout=self._limit)
            end = _end(self.process.returncode, complaints)
        except subprocess.TimeoutExpired:
            self.process.kill()
            said, _ = self.process.communicate()
            end = f"does not end within {self._limit:g} s"
        told = _last_of_each_kind(said)
        # Memory that was corrupted may show only when the process frees it, after everything seemed right.
        fault = told.get(FAULT) or (f"a step of training {end}{_at(told.get(LAYER))}" if end else "")
        if fault:
            remedies = ", ".join([*told.get(REMEDIES, ()), "another version of torch"])
            where = f" Trainings would use {told[MACHINE]}." if MACHINE in told else ""
            raise MachineError(f"{fault}.{where} Nothing was trained with it; what may help: {remedies}")


def _end(code: int, complaints: str) -> str:
    """In words, how a process ended; empty if it ended normally."""
    if code == 0:
        return ""
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return f"ends the process ({': '.join([how, *complaints.strip().splitlines()[-1:]])})"


def _at(layer: str | None) -> str:
    return f" at {layer}" if layer else ""


def _last_of_each_kind(said: str) -> dict[str, Any]:
    told = {}
    for line in said.splitlines():
        with contextlib.suppress(json.JSONDecodeError):  # a process that died leaves half a line
            message = json.loads(line)
            told[message["kind"]] = message["body"]
    return told


def main() -> None:
    """Runs the check that a line of standard input describes."""
    leave_signals_to_the_driver()
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def tell(kind: str, body: object) -> None:
        replies.write(json.dumps({"kind": kind, "body": body}) + "\n")

    request = json.loads(sys.stdin.readline())
    # A kernel that hangs must not outlive its caller by much; this ends the process without Python's help.
    faulthandler.dump_traceback_later(request["limit_seconds"], exit=True)
    module, _, function = request["factory"].partition(":")
    subjects: list[Subject] = getattr(importlib.import_module(module), function)(**request["arguments"])
    for subject in subjects:
        execution = subject.execution
        if execution.device.type == "cpu":
            keep_freed_memory()  # as workers do, since what a stray write destroys depends on where memory comes from
        tell(MACHINE, str(this_machine(subject.threads, execution)))
        tell(REMEDIES, _remedies(execution))
        found = worst_deviation(
            subject.network,
            subject.input_shape,
            execution,
            subject.threads,
            lambda layer, threads, network=subject.name: tell(LAYER, f"{layer} in {network}, {_on(threads)}"),  # type: ignore[misc]
        )
        if found is not None:
            tell(FAULT, _words(found, subject))
            return


def _remedies(execution: Execution) -> list[str]:
    remedies = {
        "--train.channels_last false": execution.channels_last,
        "--train.precision fp32": execution.precision != "fp32",
        "--device cpu": execution.device.type != "cpu",
    }
    return [remedy for remedy, helps in remedies.items() if helps]


def _on(threads: int) -> str:
    return f"on {threads} thread{'' if threads == 1 else 's'}"


def _words(found: Deviation, subject: Subject) -> str:
    precision = subject.execution.precision
    return (
        f"a step of training is computed wrongly: {found.what} in {subject.name} ({found.layer}), {_on(found.threads)}, is off "
        f"by {found.error:.2g} of its norm from double precision ({precision} allows {TOLERANCES[precision]:g})"
    )


if __name__ == "__main__":
    main()
