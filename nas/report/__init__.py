"""The report of a search: tables, a picture and one self-contained page.

This module imports only the standard library; pandas and matplotlib are imported when a report is written.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nas.search.result import SearchResult

__all__ = ["write_report"]


def write_report(result: SearchResult, output: Path) -> None:
    """Writes the tables, `pareto.png`, `report.html`, `config.yaml` and `provenance.json`, each whole or not at all.

    Works for a search that is still running and for one that has no result yet.

    Args:
        result: The results of the search so far.
        output: Output folder of the search, which is made if it is missing.

    Raises:
        OutputError: A file cannot be written.
    """
    from nas.report.files import write_files

    write_files(result, output)
