"""Several searches as one HTML page that needs no network and no script."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any

from nas import __version__
from nas.report.comparison.compared import (
    common_candidates,
    differing_settings,
    from_common_references,
    repeats,
    require_comparable,
)
from nas.report.comparison.curves import growth
from nas.report.comparison.pictures import attainment_svg, fronts_svg, growth_svg
from nas.report.findings.statistics import expected_value, front_line, resolution, trained
from nas.report.quantities import human, signed_difference, with_unit
from nas.search.result import SearchResult

MOST_CANDIDATES = 40
"""Candidates that are listed among those that several searches trained; of more, the number is told."""
LEAST_REPEATS = 3
"""Searches that differ by their seed alone from which their attainment is drawn; of two, half are one."""
PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<meta name="generator" content="shufflenas {version}">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{style}
:root {{ color-scheme: light; }}
.picture svg {{ width: 100%; height: auto; background: #fff; }}
.over {{ overflow-x: auto; }}
</style>
</head>
<body>
<header class="wide"><p class="eyebrow">Comparison of searches</p><h1>{title}</h1><p class="answer">{answer}</p></header>
<main class="wide">
{sections}
</main>
</body>
</html>
"""


def comparison_page(results: Sequence[SearchResult]) -> str:
    """The page as text.

    Args:
        results: At least two searches. They are shown by their names, which should differ.

    Raises:
        StudyError: The searches cannot be compared.
    """
    require_comparable(results)
    measured = from_common_references(results)
    names = [result.name for result in results]
    growths = [growth(result) for result in measured]
    volumes = [one.hypervolume[-1] if one.hypervolume else 0.0 for one in growths]
    sections = [
        _section("The fronts", _FRONTS, _picture(fronts_svg(measured, names)), _summary(measured, volumes)),
        _section("What they have cost", _GROWTH, _picture(growth_svg(growths, names))),
    ]
    if len(results) >= LEAST_REPEATS and repeats(results):
        sections.append(_section("What repeated searches attain", _ATTAINED, _picture(attainment_svg(measured))))
    sections += [_settings(results), _shared(results)]
    return PAGE.format(
        version=html.escape(__version__),
        title=html.escape(", ".join(names)),
        answer=html.escape(_answer(results, volumes)),
        style=resources.files("nas.report").joinpath("assets", "page.css").read_text(encoding="utf-8"),
        sections="\n".join(sections),
    )


_FRONTS = (
    "Lines join the networks that no other of the same search is expected to beat; pale points are all that were trained. "
    "Values are expected ones, as each search estimates them."
)
_GROWTH = (
    "The hypervolume of the expected values, measured from the same corner for all: the worst of the references of these "
    "searches. Epochs and hours are those of all trainings together, so workers beside each other count each."
)
_ATTAINED = (
    "These searches differ by their seed alone. A line shows which value so many of them reach at no greater cost (summary "
    "attainment surfaces, Knowles 2005)."
)


def _answer(results: Sequence[SearchResult], volumes: Sequence[float]) -> str:
    first = results[0]
    best = max(range(len(results)), key=volumes.__getitem__)
    told = (
        f"{len(results)} searches by {first.learned.words} and {first.cost.words}. The largest hypervolume is that of "
        f"{results[best].name}: {volumes[best]:.4g}."
    )
    if len({result.data.get("fingerprint") for result in results}) > 1:
        told += " They divided the images differently into training and validation images, so values also differ by these draws."
    return told


def _summary(results: Sequence[SearchResult], volumes: Sequence[float]) -> str:
    learned, cost = results[0].learned, results[0].cost
    rows = []
    for result, volume in zip(results, volumes, strict=True):
        line, least = front_line(result), resolution(result)
        best = line[-1] if line else None
        rows.append(
            [
                result.name,
                str(len(trained(result))),
                str(len(line)),
                f"{volume:.4g}",
                "" if best is None else with_unit(learned, expected_value(result, best)),
                "" if best is None else with_unit(cost, best.values()[cost.name]),
                "" if least is None else f"{least:.2g} {learned.difference_unit}",
            ]
        )
    heads = ["search", "networks trained", "on the front", "hypervolume", f"best {learned.words}", f"its {cost.words}"]
    return _table([*heads, "smallest difference that its images resolve"], rows)


def _settings(results: Sequence[SearchResult]) -> str:
    found = differing_settings(results)
    if not found:
        return _section("Settings", "All settings are the same, apart from seeds, folders and workers.")
    rows = [[name, *(_shown(value) for value in values)] for name, values in found.items()]
    return _section(
        "Settings that differ",
        "Seeds, folders and numbers of workers are left out.",
        _table(["setting", *(result.name for result in results)], rows),
    )


def _shared(results: Sequence[SearchResult]) -> str:
    found = common_candidates(results)
    if not found:
        return _section(
            "Networks in common", "No network was trained, with the same settings, in more than one search."
        )
    learned = results[0].learned
    rows = []
    for trials in found[:MOST_CANDIDATES]:
        position, trial = next(iter(trials.items()))
        values = {place: expected_value(results[place], one) for place, one in trials.items()}
        cells = [
            f"{with_unit(learned, values[place])} (trial {trials[place].number})" if place in trials else ""
            for place in range(len(results))
        ]
        spread = max(values.values()) - min(values.values())
        rows.append([results[position].portrait(trial).description, *cells, signed_difference(learned, spread)])
    lead = f"{len(found)} candidates, the same networks with the same training settings, were trained in more than one search."
    if len(found) > MOST_CANDIDATES:
        lead += f" The first {MOST_CANDIDATES} are listed."
    return _section(
        "Networks in common",
        lead,
        _table(["network", *(result.name for result in results), "largest difference"], rows),
    )


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return human(value) if abs(value) >= 1000 else f"{value:g}"
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _section(title: str, lead: str, *parts: str) -> str:
    return "\n".join(
        [
            "<section>",
            f"<h2>{html.escape(title)}</h2>",
            f'<p class="lead">{html.escape(lead)}</p>',
            *parts,
            "</section>",
        ]
    )


def _picture(svg: str) -> str:
    return f'<div class="picture over">{svg}</div>'


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in heads)
    body = "\n".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="over"><table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>'
