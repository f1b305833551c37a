"""Answers on image files, as lines for people or as a table."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, TextIO

from tqdm import tqdm

from deployment.prediction.classifier import BATCH, Classifier, Prediction
from deployment.prediction.image_files import ImageFiles, find_images
from deployment.prediction.opening import open_classifier
from evaluator.sources.findings import shown
from nas.errors import DataError, OutputError
from nas.output.atomic_file import require_writable, write_atomically
from nas.values.local_path import local_path, path_fault
from nas.watchers.console import tell, visible

INCOMPLETE = 1
"""The exit code if some files cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be answered, and how that is written."""

    model: str
    files: tuple[str, ...]
    csv: bool = False
    top: int = 3
    """How many classes are written for each image."""
    out: str | None = None
    """The file that is written. Default: standard output."""
    device: str = "cpu"


def answer_files(wanted: Wanted) -> int:
    """Answers on image files, and returns the exit code: 0, or 1 if some of the files cannot be used.

    Raises:
        NasError: There is no such model, none of the files can be used, or the output cannot be written.
    """
    for name, path in (("MODEL", wanted.model), ("--out", wanted.out)):
        if path is not None and (fault := path_fault(path)):
            raise OutputError(f"{name} {shown(path)} {fault}")
    out = None if wanted.out is None else local_path(wanted.out)
    if out is not None:
        require_writable("--out", out)
    classifier = open_classifier(local_path(wanted.model), wanted.device)
    found = find_images(wanted.files)
    for line in found.told:
        tell(line)
    for name, why in found.faults.items():
        tell(f"{name}: {why}")
    kept = io.StringIO(newline="")
    answers = _Answers(wanted, classifier, kept if out is not None else sys.stdout)
    unusable = answers.write_all(found) + len(found.faults)
    if not answers.written:
        raise DataError(f"none of what was given can be used: {unusable:,} files or folders, each named above")
    if out is not None:
        write_atomically(out, kept.getvalue().encode("utf-8", "surrogateescape"))
        tell(f"wrote {shown(str(out))}")
    if unusable:
        tell(f"{answers.written:,} images were answered; {unusable:,} files or folders cannot be used")
        return INCOMPLETE
    return 0


class _Answers:
    """Writes answers as they come."""

    def __init__(self, wanted: Wanted, classifier: Classifier, stream: TextIO) -> None:
        self.written = 0
        self._csv = wanted.csv
        self._top = min(wanted.top, len(classifier.class_names))
        self._classifier = classifier
        self._stream = stream
        self._seen = stream is sys.stdout and stream.isatty()

    def write_all(self, found: ImageFiles) -> int:
        """Writes the answers on all files, and returns how many of the files cannot be used."""
        unusable = 0
        for path, each in zip(found.paths, self._progress(found.paths), strict=True):
            if isinstance(each, Prediction):
                self._write(path, each)
            else:
                unusable += 1
                tqdm.write(visible(f"{shown(path)}: {each.why}"), file=sys.stderr)
        return unusable

    def _progress(self, paths: list[str]) -> Iterable[Any]:
        """The answers on the files, with a bar while many are computed and nothing else is on the screen."""
        hidden = True if self._seen or len(paths) <= BATCH else None
        bar = tqdm(total=len(paths), desc="predicting", unit=" images", leave=False, disable=hidden)
        with bar:
            for each in self._classifier.each(paths):
                yield each
                bar.update()

    def _write(self, path: str, prediction: Prediction) -> None:
        best = list(islice(prediction.probabilities.items(), self._top))
        if not self._csv:
            words = ", ".join(f"{shown(name)} {100 * share:.1f} %" for name, share in best)
            self._put(f"{shown(path)}: {words}\n")
        else:
            if not self.written:
                self._put(_row(_heading(self._top)))
            self._put(_row([path, *(value for name, share in best for value in (name, f"{share:.6f}"))]))
        self.written += 1

    def _put(self, text: str) -> None:
        """Writes text; for a person's terminal what is invisible is escaped, while a table elsewhere keeps names as they are."""
        self._stream.write(visible(text) if self._seen or not self._csv else text)


def _heading(top: int) -> Iterator[str]:
    yield "file"
    for place in range(1, top + 1):
        yield from ("class", "probability") if place == 1 else (f"class_{place}", f"probability_{place}")


def _row(cells: Iterable[str]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
