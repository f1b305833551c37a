"""The files of a report, each replaced in one step, so that a reader never sees half of one."""

from __future__ import annotations

import os
from pathlib import Path

from nas.errors import OutputError
from nas.report.page import page
from nas.report.plots import pareto_png
from nas.report.tables import front_json, pareto_csv, trials_csv
from nas.result import SearchResult


def write_files(result: SearchResult, output: Path) -> None:
    """Writes every file of the report; see `nas.report.write_report`.

    Raises:
        OutputError: A file cannot be written.
    """
    write_atomically(output / "trials.csv", trials_csv(result).encode())
    write_atomically(output / "pareto.csv", pareto_csv(result).encode())
    write_atomically(output / "pareto.json", front_json(result).encode())
    write_atomically(output / "pareto.png", pareto_png(result))
    write_atomically(output / "report.html", page(result).encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces a file in one step; its folder is made if it is missing.

    Raises:
        OutputError: The folder or the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(content)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
