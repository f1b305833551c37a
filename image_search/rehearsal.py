"""Times trainings as the workers of a search will run them: in as many processes at once, each started as a worker is.

A process, `python -m image_search.rehearsal`, reads one line of JSON, makes the evaluator of a worker and times candidates, for
each of which it writes one line of JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from nas.candidate import Candidate
from nas.engines.serving import python_path
from nas.errors import NasError, SettingsError
from nas.ports import WorkerSpec
from nas.watchers.signals import leave_signals_to_the_driver

LIMIT_SECONDS = 30.0
"""After so many seconds a process begins no further candidate, except those that must be timed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What the training of one candidate takes, while as many others are trained as in the search."""

    step_seconds: float
    validation_seconds: float
    """Seconds of a pass over all validation images."""
    passes_at_end: float
    """Number of such passes when a training has ended."""
    setup_seconds: float
    """Seconds before the first step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """What was timed."""

    start_seconds: float
    """Seconds until a worker can begin its first training."""
    by_name: Mapping[str, Timing]
    """Means over the processes, by name of the candidate."""


def rehearse_workers(
    spec: WorkerSpec, candidates: Mapping[str, Candidate], needed: Sequence[str], workers: int
) -> Timings:
    """Times candidates in so many processes at once.

    Args:
        spec: How a worker makes its evaluator.
        candidates: The candidates by name.
        needed: Names of those that are timed however long it takes; of the others, as many as `LIMIT_SECONDS` allow.
        workers: Number of processes.

    Raises:
        SettingsError: A process cannot train, for example because a batch does not fit into memory.
    """
    processes = [_begun(spec, candidates, needed, shift) for shift in range(workers)]
    try:
        said = [_lines(process) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    found: dict[str, list[Timing]] = {}
    for lines in said:
        for line in lines[1:]:
            found.setdefault(line.pop("name"), []).append(Timing(**line))
    means = {
        name: Timing(**{key: fmean(getattr(each, key) for each in timed) for key in Timing.__slots__})
        for name, timed in found.items()
    }
    return Timings(start_seconds=max(lines[0]["start_seconds"] for lines in said), by_name=means)


def _begun(
    spec: WorkerSpec, candidates: Mapping[str, Candidate], needed: Sequence[str], shift: int
) -> subprocess.Popen[str]:
    """A process that has its request. Each begins with another candidate, so that they do not all train the same one at once."""
    optional = [name for name in candidates if name not in needed]
    order = [*_rotated(needed, shift), *_rotated(optional, shift)]
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "image_search.rehearsal"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": python_path()},
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    request = {
        "begun": time.time(),
        "factory": spec.factory,
        "arguments": dict(spec.arguments),
        "candidates": {name: candidates[name].to_json() for name in order},
        "needed": len(needed),
        "limit_seconds": LIMIT_SECONDS,
    }
    assert process.stdin is not None
    # If the process has already ended, its exit code will say why.
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
    return process


def _rotated(names: Sequence[str], shift: int) -> list[str]:
    cut = shift % max(len(names), 1)
    return [*names[cut:], *names[:cut]]


def _lines(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """What a process has said when it has ended."""
    said, complaints = process.communicate()
    lines = [json.loads(line) for line in said.splitlines() if line.endswith("}")]
    fault = next((line["fault"] for line in lines if "fault" in line), None)
    if fault is None and process.returncode:
        last = complaints.strip().splitlines()[-1:] or ["it was killed, perhaps for want of memory"]
        fault = f"a worker process ended (exit code {process.returncode}): {last[0]}"
    if fault is not None:
        raise SettingsError(f"nothing can be trained with these settings: {fault}")
    return lines


def main() -> None:
    """Times the candidates that a line of standard input describes."""
    leave_signals_to_the_driver()
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(**body: object) -> None:
        replies.write(json.dumps(body) + "\n")

    try:
        _rehearse(json.loads(sys.stdin.readline()), say)
    except (NasError, RuntimeError, MemoryError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        say(fault=lines[0])


def _rehearse(request: Mapping[str, Any], say: Callable[..., None]) -> None:
    """Times the candidates of a request, and says so of each."""
    from evaluator.worker import TrainingEvaluator
    from nas.budget import Budget
    from nas.engines.serving import make_evaluator
    from nas.records import Task

    evaluator = make_evaluator(request["factory"], request["arguments"])
    assert isinstance(evaluator, TrainingEvaluator)
    say(start_seconds=time.time() - request["begun"])
    begin = time.monotonic()
    for number, (name, candidate) in enumerate(request["candidates"].items()):
        if number >= request["needed"] and time.monotonic() - begin > request["limit_seconds"]:
            return
        task = Task(trial=number, candidate=Candidate.from_json(candidate), budget=Budget(epochs=1, rungs=()), seed=0)
        timed = evaluator.rehearse(task)
        say(
            name=name,
            step_seconds=timed.step,
            validation_seconds=timed.validation,
            passes_at_end=timed.passes_at_end,
            setup_seconds=timed.setup,
        )


if __name__ == "__main__":
    main()
