"""The front as text for a terminal."""

from __future__ import annotations

from nas.objectives import COSTS
from nas.report.quantities import human, percent
from nas.report.readings import expected_accuracy, measured_accuracy, members, standard_error
from nas.report.words import beside_majority
from nas.result import SearchResult

KNOWN = ("macs", "params")
"""Costs that are always shown."""
HEADINGS = {"macs": "MACs", "params": "params", "latency": "ms", "memory": "MB"}


def front_lines(result: SearchResult) -> str:
    """The front as a table of fixed width, cheapest first, and what the commonest class alone gives.

    A sentence where there is no front.
    """
    accuracies = ["accuracy %"] if result.observed is None else ["accuracy %", "expected %"]
    shown_costs = [name for name in COSTS if name in KNOWN or any(name in trial.costs for trial in members(result))]
    headings = ("trial", *accuracies, *(HEADINGS[name] for name in shown_costs), "network")
    rows = []
    for trial in members(result):
        accuracy = measured_accuracy(trial)
        shown = ["-" if accuracy is None else percent(accuracy.mean, standard_error(accuracy))]
        if result.observed is not None:
            shown.append(percent(expected_accuracy(result, trial), None))
        network = result.portrait(trial).description + (f"  [{trial.baseline}]" if trial.baseline else "")
        costs = [human(trial.deployed_costs[name]) if name in trial.costs else "-" for name in shown_costs]
        rows.append((str(trial.number), *shown, *costs, network))
    if not rows:
        return "No network has been trained to the end yet: there is no front."
    widths = [max(len(row[column]) for row in (headings, *rows)) for column in range(len(headings) - 1)]
    lines = [
        "  ".join([*(cell.rjust(width) for cell, width in zip(row[:-1], widths, strict=True)), row[-1]])
        for row in (headings, *rows)
    ]
    rule = "  ".join("-" * width for width in (*widths, max(len(row[-1]) for row in (headings, *rows))))
    return "\n".join([lines[0], rule, *lines[1:], *beside_majority(result)])
