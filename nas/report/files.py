"""The files of a report, each replaced in one step, so that a reader never sees half of one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import yaml

from nas.output.atomic_file import json_bytes, write_atomically
from nas.report.page import page
from nas.report.pictures.front import pareto_png
from nas.report.tables import front_json, pareto_csv, trials_csv
from nas.retraining.results import read_retrained
from nas.search.result import SearchResult


def write_files(result: SearchResult, output: Path) -> None:
    """Writes all files of the report; see `nas.report.write_report`. A search without a name is called as the folder is.

    Raises:
        OutputError: A file cannot be written.
    """
    result = replace(result, name=result.name or output.resolve().name)
    write_atomically(output / "config.yaml", yaml.safe_dump(dict(result.settings), sort_keys=False).encode())
    write_atomically(output / "provenance.json", json_bytes(dict(result.provenance)))
    write_atomically(output / "trials.csv", trials_csv(result).encode())
    write_atomically(output / "pareto.csv", pareto_csv(result).encode())
    write_atomically(output / "pareto.json", front_json(result).encode())
    write_atomically(output / "pareto.png", pareto_png(result))
    write_page(result, output)


def write_page(result: SearchResult, output: Path) -> None:
    """Writes the page alone, with the networks that were trained anew in this folder.

    Raises:
        OutputError: The page cannot be written, or what is known of those networks cannot be read.
    """
    named = replace(result, name=result.name or output.resolve().name, retrained=read_retrained(output))
    write_atomically(output / "report.html", page(named).encode())
