"""The networks that were trained anew, as plain JSON for their section of the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nas.report.findings.retrained import (
    Difference,
    cost_of,
    differing_settings,
    front,
    orders,
    reached,
    versus_peer,
    versus_untaught,
)
from nas.report.quantities import rounded
from nas.retraining.results import NO_TEACHER, Entry
from nas.retraining.table import agreement, opened
from nas.search.result import SearchResult


def retrained(result: SearchResult) -> dict[str, Any] | None:
    """The section; None if no network was trained anew."""
    found = result.retrained
    if found is None or not any(one.values for one in found.entries):
        return None
    learned = result.learned.name
    peers = {one.entry: one for one in versus_peer(found, learned)}
    untaught = {one.entry: one for one in versus_untaught(found, learned)}
    settings = differing_settings(found)
    ways = {one.way for one in found.entries}
    return {
        "opened": opened(found),
        "openings": found.openings,
        "orders": [agreement(order) for order in orders(found, learned)],
        "front": [one.name for one in front(result, found)],
        "ways": len(ways),
        "epochs": sorted({one.epochs for one in found.entries}),
        "searched": result.settings.get("train", {}).get("epochs"),
        "entries": [
            {
                **_entry(result, one),
                "minus": _difference(peers.get(one.name)),
                "untaught": _difference(untaught.get(one.name)),
                "settings": {name: _value(value) for name, value in settings[one.name].items()},
            }
            for one in found.entries
        ],
    }


def _entry(result: SearchResult, entry: Entry) -> dict[str, Any]:
    network, found = entry.network, reached(entry, result.learned.name)
    numbers: Mapping[str, float | None] = {
        "mean": None if found is None else found.mean,
        "deviation": None if found is None else found.deviation,
        "error": None if found is None else found.error,
        "expected": network.expected,
        "cost": cost_of(entry, result.cost.name),
    }
    return {
        "name": entry.name,
        "network": network.name,
        "role": network.role.value,
        "kind": network.kind,
        "peer": network.peer,
        "description": network.description,
        "epochs": entry.epochs,
        "teacher": None if entry.teacher == NO_TEACHER else entry.teacher,
        "seeds": 0 if found is None else found.seeds,
        "from": network.training_from,
        "failed": list(entry.failures.values()),
        **{name: rounded(value) for name, value in numbers.items()},
    }


def _difference(found: Difference | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"mean": rounded(found.mean), "half": rounded(found.half_width), "resolved": found.resolved}


def _value(value: object) -> object:
    return rounded(value) if isinstance(value, float) else value
