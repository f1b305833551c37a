"""`compare`: several searches in one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nas.errors import SettingsError
from nas.settings.verb_parser import VerbParser
from nas.values.local_path import local_path
from nas.watchers.console import say

if TYPE_CHECKING:
    from nas.search.result import SearchResult

DESCRIPTION = """\
Puts several searches of the same images into one page: their fronts over each other, the hypervolume over trainings, epochs and
hours, the settings in which they differ, and the networks that more than one has trained. Searches that differ by their seed
alone also get the values that the best, half, and all of them attain at each cost.

  %(prog)s runs/first runs/second --out compare.html

Nothing is trained or changed, and the images are not needed."""


def main(argv: Sequence[str], prog: str) -> int:
    """Runs the verb and returns the exit code."""
    parser = VerbParser(prog, DESCRIPTION)
    parser.add_argument("runs", metavar="RUN", nargs="+", help="Output folders of searches, two or more.")
    parser.add_argument("--out", default="compare.html", help="The page that is written. Default: %(default)s")
    options = parser.parse_args(argv)
    if len(options.runs) < 2:
        raise SettingsError("compare needs two searches or more; it was given one")
    from image_search.finished import read_run
    from nas.output.atomic_file import write_atomically
    from nas.report.comparison.page import comparison_page

    results = _named_apart([read_run(local_path(run))[1] for run in options.runs])
    out = local_path(options.out)
    write_atomically(out, comparison_page(results).encode())
    say(f"comparison: {out}")
    return 0


def _named_apart(results: Sequence[SearchResult]) -> list[SearchResult]:
    """The searches under names that differ: those of the same name are numbered."""
    names = [result.name for result in results]
    return [
        replace(result, name=f"{result.name} ({names[: place + 1].count(result.name)})")
        if names.count(result.name) > 1
        else result
        for place, result in enumerate(results)
    ]
