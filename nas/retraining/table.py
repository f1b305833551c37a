"""The networks that were trained anew, as a table for other programs and for the console."""

from __future__ import annotations

from typing import Any

import pandas as pd

from nas.objectives import Objective
from nas.report.findings.retrained import (
    Difference,
    Order,
    differing_settings,
    orders,
    reached,
    versus_peer,
    versus_untaught,
)
from nas.report.quantities import short
from nas.retraining.results import NO_TEACHER, Entry, Retrained
from nas.search.result import SearchResult


def retrained_csv(result: SearchResult, retrained: Retrained) -> str:
    """The table as comma-separated text."""
    return retrained_frame(result, retrained).to_csv(index=False, lineterminator="\n")


def retrained_frame(result: SearchResult, retrained: Retrained) -> pd.DataFrame:
    """One row per network and way of training.

    `test_..._sd` is the standard deviation over seeds, `test_..._se` the standard error by the number of test images alone.
    `minus_unchanged` is the difference to the unchanged network beside a chosen one, paired by seed, and `..._ci` half the width
    of its 95 % interval over seeds; `minus_untaught` is the difference to the same network without a teacher.
    """
    peers = {one.entry: one for one in versus_peer(retrained, result.learned.name)}
    untaught = {one.entry: one for one in versus_untaught(retrained, result.learned.name)}
    settings = differing_settings(retrained)
    rows = [
        {
            **_row(result, one, retrained),
            **_difference("minus_unchanged", peers.get(one.name)),
            **_difference("minus_untaught", untaught.get(one.name)),
            "training": "; ".join(f"{name}={value}" for name, value in settings[one.name].items()) or None,
            "training_from": one.network.training_from,
            "digest": one.network.candidate.digest,
            "description": one.network.description,
            "failed": "; ".join(f"seed {seed}: {reason}" for seed, reason in one.failures.items()) or None,
            "test_images": retrained.test_images,
            "test_openings": retrained.openings,
        }
        for one in retrained.entries
    ]
    return pd.DataFrame(rows)


def _row(result: SearchResult, entry: Entry, retrained: Retrained) -> dict[str, Any]:
    learned, found = result.learned, reached(entry, result.learned.name)
    beside = [one.network.name for one in retrained.entries if one.network.peer == entry.network.name]
    return {
        "name": entry.name,
        "network": entry.network.name,
        "role": entry.network.role.value,
        "beside": entry.network.peer or " ".join(dict.fromkeys(beside)) or None,
        "epochs": entry.epochs,
        "teacher": entry.teacher,
        "seeds": 0 if found is None else found.seeds,
        f"test_{learned.heading}": None if found is None else found.mean,
        f"test_{learned.heading}_sd": None if found is None else found.deviation,
        f"test_{learned.heading}_se": None if found is None else found.error,
        f"expected_{learned.heading}": entry.network.expected,
        **{cost.heading: entry.costs.get(cost.name) for cost in result.costs},
    }


def _difference(name: str, found: Difference | None) -> dict[str, Any]:
    return {name: None if found is None else found.mean, f"{name}_ci": None if found is None else found.half_width}


def retrained_lines(result: SearchResult, retrained: Retrained) -> str:
    """The table and what follows from it, as text for a terminal."""
    learned = result.learned
    header = (
        "network",
        "role",
        "epochs",
        "teacher",
        f"test {learned.title}",
        "seeds",
        "in the search",
        result.cost.title,
    )
    rows = [header, *(_cells(result, one) for one in retrained.entries)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([*lines, *sentences(result, retrained)])


def _cells(result: SearchResult, entry: Entry) -> tuple[str, ...]:
    learned, found = result.learned, reached(entry, result.learned.name)
    expected = entry.network.expected
    value = "failed"
    if found is not None:
        value = short(learned, found.mean) + (
            f" ± {two_digits(found.deviation)}" if found.deviation is not None else ""
        )
    return (
        entry.network.name,
        entry.network.role.value,
        str(entry.epochs),
        entry.teacher,
        value,
        str(0 if found is None else found.seeds),
        "-" if expected is None else short(learned, expected),
        short(result.cost, entry.costs[result.cost.name]),
    )


def two_digits(value: float) -> str:
    """A spread at two digits."""
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def sentences(result: SearchResult, retrained: Retrained) -> list[str]:
    """What a reader must know, and what the figures say, in whole sentences."""
    learned = result.learned
    by_name = {one.name: one for one in retrained.entries}
    return [
        opened(retrained),
        *(
            f"{_called(by_name[each.entry])} minus the unchanged network beside it ({by_name[each.other].network.name}): "
            f"{_amount(learned, each)}."
            for each in versus_peer(retrained, learned.name)
        ),
        *(
            f"{_called(by_name[each.entry])} with its teacher minus without: {_amount(learned, each)}."
            for each in versus_untaught(retrained, learned.name)
        ),
        *map(agreement, orders(retrained, learned.name)),
    ]


def agreement(order: Order) -> str:
    """How well the order of the search and that of the test figures agree."""
    interval = ""
    if order.interval is not None:
        low, high = order.interval
        interval = f" (95 % interval over seeds {low:.2f} to {high:.2f})"
    taught = "" if order.teacher == NO_TEACHER else f" with teacher {order.teacher}"
    return (
        f"The order of the search and that after {order.epochs} epochs{taught} agree with Kendall's tau {order.tau:.2f}{interval}, "
        f"for {order.networks} networks; 1 is the same order, and 0 is chance."
    )


def opened(retrained: Retrained) -> str:
    """How often the test images were opened, and what that means."""
    images = f"{retrained.test_images:,} test images"
    if retrained.openings == 1:
        return f"The {images} were opened once, after all trainings; nothing was chosen by them."
    return (
        f"The {images} were opened {retrained.openings} times. Whoever chooses between networks or settings by these figures has "
        "made validation images of them, and the figures are then too good."
    )


def _called(entry: Entry) -> str:
    taught = "" if entry.teacher == NO_TEACHER else f" (teacher {entry.teacher})"
    return f"Network {entry.network.name} after {entry.epochs} epochs{taught}"


def _amount(learned: Objective, found: Difference) -> str:
    unit = learned.difference_unit
    sign = "-" if found.mean < 0 else "+"
    if found.half_width is None:
        return f"{sign}{two_digits(abs(found.mean))} {unit}, with one seed, so its uncertainty is unknown"
    over = f"95 % interval over {found.seeds} paired seeds{'' if found.resolved else '; 0 is within the interval'}"
    return f"{sign}{two_digits(abs(found.mean))} ± {two_digits(found.half_width)} {unit} ({over})"
