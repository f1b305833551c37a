"""The report as one HTML page that needs no network, since style, script, data and plotly are inside it."""

from __future__ import annotations

import html
import re
import tarfile
from importlib import resources

from nas import __version__
from nas.report import words
from nas.report.payload import compact, embedded, payload
from nas.search.result import SearchResult
from nas.values.shortened_path import without_folders

SCRIPTS = (
    "dom.js",
    "theme.js",
    "marks.js",
    "fronts.js",
    "findings.js",
    "stages.js",
    "network.js",
    "slider.js",
    "answers.js",
    "retrained.js",
    "tables.js",
    "words.js",
    "page.js",
)
"""The scripts in the order in which they are joined; the last one starts the page."""

PACKAGE = re.compile(r"plotly\.js-basic-dist-min-[\d.]+\.tgz")
"""The file name of plotly's npm package; CONTRIBUTING.md says how it is renewed."""


def page(result: SearchResult) -> str:
    """The whole page as text.

    All data of the search are in one JSON element and are put on the page as text, never as markup. A content security
    policy refuses every request.
    """
    learned, cost = html.escape(result.learned.words), html.escape(result.cost.words)
    parts = {
        "learned": learned,
        "Learned": f"{learned[:1].upper()}{learned[1:]}",
        "cost": cost,
        "title": html.escape(without_folders(words.title(result))),
        "description": html.escape(without_folders(words.answer(result))),
        "style": _file("page.css"),
        "data": embedded(compact(payload(result))),
        "plotly": _inert_in_script(plotly()),
        "script": _inert_in_script("\n".join(_file(name) for name in SCRIPTS)),
        "machine": html.escape(without_folders(words.machine(result))),
        "version": html.escape(__version__),
    }
    # A single pass, so that inserted text is not searched for further marks.
    return re.sub(r"\{\{(\w+)\}\}", lambda mark: parts[mark[1]], _file("page.html"))


def plotly() -> str:
    """The basic bundle of plotly.js (scatter, bar and pie), from the package that npm has of it, which is kept as it is."""
    (package,) = (
        file for file in resources.files("nas.report").joinpath("assets").iterdir() if PACKAGE.fullmatch(file.name)
    )
    with package.open("rb") as stream, tarfile.open(fileobj=stream) as archive:
        script = archive.extractfile("package/plotly-basic.min.js")
        assert script is not None
        return script.read().decode()


def _file(name: str) -> str:
    return resources.files("nas.report").joinpath("assets", name).read_text(encoding="utf-8")


def _inert_in_script(script: str) -> str:
    """The same program without anything that an HTML parser takes for the end of the element or for a comment."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
