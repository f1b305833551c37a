"""Trainings that a benchmark needs. Each is kept as a line of JSON once it ends, and is then not trained again."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from tqdm import tqdm

from evaluator.device import Execution
from nas.errors import OutputError, SettingsError

Key = tuple[str | int, ...]
Record = Mapping[str, Any]
FILE = "runs.jsonl"
EXECUTION = ("device", "precision", "channels_last")
"""The parts of an identity that are about the hardware."""


class Records:
    """The finished trainings of a folder: a file with what they have in common, then one line each. It is a context manager.

    A training that failed has a line too, with its `failure` in words.

    Args:
        folder: The folder, which is made if it is missing.
        identity: What makes trainings comparable, as plain JSON.
        key: The fields that identify a record.
        others: Names of files and folders that the benchmark puts beside the file.

    Raises:
        OutputError: The folder cannot be written, holds something else, or another process writes it.
        SettingsError: The folder holds trainings with another identity.
    """

    def __init__(self, folder: Path, identity: Record, *, key: Sequence[str], others: Sequence[str] = ()) -> None:
        self._path = folder / FILE
        self._key = tuple(key)
        self.finished: dict[Key, Record] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            foreign = sorted({path.name for path in folder.iterdir()} - {FILE, *others})
            if foreign and not self._path.exists():
                raise OutputError(
                    f"--output {folder} holds something else ({foreign[0]}); give an empty or a new folder"
                )
            self._file = self._path.open("a+", encoding="utf-8")
        except OSError as error:
            raise _cannot_be_used(self._path, error) from error
        try:
            self._begin(identity)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _begin(self, identity: Record) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            lines = self._whole_lines()
            if not lines:
                self._write(identity)
        except BlockingIOError as error:
            raise OutputError(f"--output {self._path.parent} is being written by another process") from error
        except (OSError, UnicodeDecodeError) as error:
            raise _cannot_be_used(self._path, error) from error
        if lines:
            self._read(lines, identity)

    def _whole_lines(self) -> list[str]:
        """The complete lines of the file. A line that was cut short by a kill is removed."""
        self._file.seek(0)
        text = self._file.read()
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            self._file.truncate(len(whole.encode()))
        return whole.splitlines()

    def _read(self, lines: Sequence[str], identity: Record) -> None:
        try:
            found, *records = (json.loads(line) for line in lines)
            changed = sorted(key for key in {*identity, *found} if identity.get(key) != found.get(key))
            self.finished = {tuple(record[name] for name in self._key): record for record in records}
        except (ValueError, KeyError, TypeError) as error:
            raise OutputError(f"{self._path} is not a record of trainings: {error!r}") from error
        if changed:
            raise SettingsError(
                f"--output {self._path.parent} holds trainings with another "
                + ", ".join(f"{key} ({found.get(key)!r}, now {identity.get(key)!r})" for key in changed)
                + "; give another --output, or the settings it began with"
            )

    def add(self, record: Record) -> None:
        """Writes a finished training to the disk at once.

        Raises:
            OutputError: The training cannot be written.
        """
        try:
            self._write(record)
        except OSError as error:
            raise OutputError(f"{self._path} cannot be written: {error}; the same command continues") from error
        self.finished[tuple(record[name] for name in self._key)] = record

    def _write(self, record: Record) -> None:
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()


def complete(folder: Path, identity: Record, keys: Iterable[Key], names: Sequence[str]) -> dict[Key, Record] | None:
    """The records of a folder in which none is missing, whatever hardware they were trained on; None if any is missing.

    Args:
        folder: The folder of a `Records`.
        identity: The identity, as in `Records`.
        keys: Keys of all records that are needed.
        names: The fields that identify a record.
    """
    try:
        found, *records = (json.loads(line) for line in (folder / FILE).read_text(encoding="utf-8").splitlines())
        finished = {tuple(record[name] for name in names): record for record in records}
    except (OSError, ValueError, KeyError, TypeError):
        return None  # `Records` will say what is wrong
    same = all(found.get(name) == identity.get(name) for name in {*found, *identity} - set(EXECUTION))
    wanted = list(keys)
    return {key: finished[key] for key in wanted} if same and all(key in finished for key in wanted) else None


def _cannot_be_used(path: Path, error: Exception) -> OutputError:
    return error if isinstance(error, OutputError) else OutputError(f"{path} cannot be read and written: {error}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The trainings that a benchmark needs.

    `train(*arguments)` runs in a process of its own, after `begin(*begin_arguments)`. It returns a record, also of a
    failure. All of these must be picklable.
    """

    arguments: Mapping[Key, tuple[Any, ...]]
    train: Callable[..., Record]
    begin: Callable[..., None]
    begin_arguments: tuple[Any, ...]
    title: str
    machine: str
    """The machine on which they are trained, in one line. Each record has it, and the day on which its training ended."""


def train_missing(plan: Plan, records: Records, *, workers: int, after: Callable[[Record], object]) -> None:
    """Trains what is missing, with a progress bar and a message for each training.

    Raises:
        NasError: A setting, the images or the folder are unusable, or a worker was killed; finished trainings are kept.
    """
    missing = [key for key in plan.arguments if key not in records.finished]
    if not missing:
        return
    total = len(plan.arguments)
    context = multiprocessing.get_context("spawn")
    with (
        tqdm(total=total, initial=total - len(missing), unit="run", desc=plan.title) as bar,
        ProcessPoolExecutor(
            min(workers, len(missing)), mp_context=context, initializer=plan.begin, initargs=plan.begin_arguments
        ) as pool,
    ):
        futures = [pool.submit(plan.train, *plan.arguments[key]) for key in missing]
        died: BaseException | None = None
        try:
            for future in as_completed(futures):
                if isinstance(future.exception(), BrokenProcessPool):
                    died = future.exception()  # some of the others may have ended before
                    continue
                record = {**future.result(), "date": datetime.now(UTC).date().isoformat(), "machine": plan.machine}
                records.add(record)
                bar.update()
                bar.set_postfix_str(" ".join(map(str, (record.get(name, "") for name in ("arm", "coding")))).strip())
                after(record)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise
        if died is not None:
            raise OutputError(
                "a training's process died, perhaps for want of memory; the same command continues"
            ) from died


def execution_identity(execution: Execution) -> dict[str, Any]:
    """The facts about the hardware that change the results of a training."""
    return dict(zip(EXECUTION, (execution.device.type, execution.precision, execution.channels_last), strict=True))
