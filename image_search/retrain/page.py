"""The run as its search has left it, and its page with the networks that were trained anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import yaml

from image_search.plan import Plan
from image_search.run import read_trials, result_of, with_answers
from nas.output.atomic_file import write_atomically
from nas.output.folder import OutputFolder
from nas.report.files import write_page
from nas.retraining.results import Retrained
from nas.retraining.table import retrained_csv
from nas.search.result import SearchResult
from nas.values.json_file import read_json


def search_of(plan: Plan, output: OutputFolder) -> SearchResult:
    """The results of the search, with the settings and the provenance that it wrote.

    Raises:
        NasError: The study is not that of these settings, or cannot be read.
    """
    provenance = _provenance(output)
    trials = tuple(read_trials(plan, output))
    result = with_answers(result_of(plan, trials, str(provenance.pop("ended", ""))), plan, output)
    settings = yaml.safe_load((output.path / "config.yaml").read_text(encoding="utf-8"))
    return replace(result, settings=settings, provenance=provenance or result.provenance)


def _provenance(output: OutputFolder) -> dict[str, Any]:
    try:
        found = read_json(output.path / "provenance.json")
    except FileNotFoundError:
        return {}
    return dict(found) if isinstance(found, dict) else {}


def renew_page(result: SearchResult, found: Retrained, output: OutputFolder) -> None:
    """Writes the table of the networks that were trained anew, and the page of the run with them.

    Raises:
        OutputError: A file cannot be written.
    """
    write_atomically(output.path / "retrained.csv", retrained_csv(result, found).encode())
    weightless = {
        number: "its weights are not in models/"
        for number in result.front.trials
        if not (output.models / str(number) / "weights.pt").is_file()
    }
    write_page(replace(result, weightless=weightless), output.path)
