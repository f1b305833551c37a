"""The page as text: complete in itself, and nothing of a search in it is markup."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from html.parser import HTMLParser
from importlib import resources

from nas.output.machine import Machine
from nas.report.page import PACKAGE, page
from tests.nas.report.conftest import MakeResult, MakeSearch, MakeTrial

INTEGRITY = "1oNF8PeQx2hv/y7tqEVWKD3JGwn/MGEMQ8mL9HUwsaqG9FGy/OU5FHUHvzqbqxN4mnwZGI9abTiE775C4kkjMQ=="
HOSTILE = "</script><script>window.hacked = 1</script><img src=x onerror=alert(1)>\u2028{{plotly}}"


class Elements(HTMLParser):
    """Collects the tags and attributes of a page, and the text of its JSON element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.data = ""
        self._in_data = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._in_data = ("id", "search") in attrs

    def handle_data(self, data: str) -> None:
        if self._in_data:
            self.data += data
            self._in_data = False


def test_hostile_text_is_inert(make_result: MakeResult, make_trial: MakeTrial) -> None:
    trial = make_trial(0, accuracy=50.0, baseline=HOSTILE, architecture={HOSTILE: HOSTILE, "stage1.mixer": HOSTILE})
    plain = make_result([make_trial(0, accuracy=50.0)])
    hostile = make_result(
        [trial],
        settings={"output": HOSTILE, "search": {HOSTILE: HOSTILE}},
        provenance={"host": HOSTILE},
        data={"name": HOSTILE},
        space={"name": HOSTILE},
    )
    text = page(hostile)
    found = Elements(text)
    assert found.tags == Elements(page(plain)).tags
    assert "<script>window.hacked" not in text
    assert not any(name.startswith("on") for name, _ in found.attributes)
    assert json.loads(found.data)["provenance"] == [["host", HOSTILE]]


def test_the_footer_tells_what_a_search_was_computed_with_as_text(make_search: MakeSearch) -> None:
    machine = Machine(
        cpu=HOSTILE, torch="2.13.0", torch_isa="AVX2", onednn="3.12.0", onednn_isa="Intel AVX2", threads=2
    )
    plain, told = page(make_search(4)), page(make_search(4, provenance={"machine": machine.to_json()}))
    footer = told.split("<footer")[1].split("</footer>")[0]
    assert f"<p>Computed with {html.escape(str(machine))}.</p>" in footer
    assert Elements(told).tags == Elements(plain).tags
    assert "Computed with" not in plain.split("<footer")[1].split("</footer>")[0]


def test_the_page_asks_for_nothing_from_elsewhere(make_search: MakeSearch) -> None:
    found = Elements(page(make_search(10)))
    links = [value for name, value in found.attributes if name in ("src", "href") and value is not None]
    assert all(value.startswith(("#", "data:")) for value in links)
    policy = next(value for name, value in found.attributes if name == "content" and "default-src" in str(value))
    assert "default-src 'none'" in str(policy)
    assert "http" not in str(policy)


def test_the_basic_bundle_of_plotly_is_inside_with_its_licence(make_search: MakeSearch) -> None:
    text = page(make_search(3))
    assert re.search(
        r"\* plotly\.js \(basic - minified\) v\d+\.\d+\.\d+\n.*\n.*\n\* Licensed under the MIT license", text
    )
    assert len(text.encode()) < 1.5e6, "the whole of plotly alone is 4.8 MB"


def test_the_bundle_can_draw_everything_that_the_page_draws() -> None:
    """The basic bundle has no other kinds of traces than these."""
    drawn = {
        kind
        for script in resources.files("nas.report").joinpath("assets").iterdir()
        if script.name.endswith(".js")
        for kind in re.findall(r'type: "(\w+)"', script.read_text(encoding="utf-8"))
    }
    others = {
        "data": "of error bars",
        "line": "of shapes",
        "log": "of axes",
        "category": "of axes",
        "button": "of elements",
    }
    assert drawn - set(others) == {"scatter", "bar"}


def test_the_package_of_plotly_is_the_one_that_npm_has() -> None:
    """The digest is the `integrity` that npm states for this version; a new version changes both here."""
    (package,) = (
        file for file in resources.files("nas.report").joinpath("assets").iterdir() if PACKAGE.fullmatch(file.name)
    )
    assert package.name == "plotly.js-basic-dist-min-4.1.1.tgz"
    digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
    assert digest == INTEGRITY
