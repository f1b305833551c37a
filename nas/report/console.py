"""The front as text for a terminal."""

from __future__ import annotations

from nas.report.findings.statistics import expected_value, measured_value, members, standard_error
from nas.report.quantities import short, with_error
from nas.report.verdicts import verdicts
from nas.search.result import SearchResult


def front_lines(result: SearchResult) -> str:
    """The front as a table of fixed width, cheapest first, and the value of always answering the commonest class.

    If there is no front, a sentence says so.
    """
    learned, costs = result.learned, result.costs
    expected = [] if result.observed is None else [f"expected {learned.unit}".strip()]
    headings = ("trial", learned.title.lower(), *expected, *(cost.unit or cost.words for cost in costs), "network")
    rows = []
    for trial in members(result):
        measured = measured_value(result, trial)
        shown = ["-" if measured is None else with_error(learned, measured.mean, standard_error(measured))]
        if result.observed is not None:
            shown.append(short(learned, expected_value(result, trial)))
        network = result.portrait(trial).description + (f"  [{trial.baseline}]" if trial.baseline else "")
        values = trial.deployed_costs
        told = [short(cost, values[cost.name]) if cost.name in values else "-" for cost in costs]
        rows.append((str(trial.number), *shown, *told, network))
    if not rows:
        return "No network has been trained to the end yet: there is no front."
    widths = [max(len(row[column]) for row in (headings, *rows)) for column in range(len(headings) - 1)]
    lines = [
        "  ".join([*(cell.rjust(width) for cell, width in zip(row[:-1], widths, strict=True)), row[-1]])
        for row in (headings, *rows)
    ]
    rule = "  ".join("-" * width for width in (*widths, max(len(row[-1]) for row in (headings, *rows))))
    return "\n".join([lines[0], rule, *lines[1:], *verdicts(result)])
