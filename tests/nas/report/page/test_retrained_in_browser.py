"""The section of the networks that were trained anew, in a real browser."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.nas.report.conftest import MakeSearch
from tests.nas.report.page.test_page_browser import OpenPage, browser, visit
from tests.nas.report.retrained_entries import made_up

__all__ = ["browser", "visit"]

pytestmark = pytest.mark.browser


def test_every_network_is_a_point_with_its_expectation_and_a_row(visit: OpenPage, make_search: MakeSearch) -> None:
    result = make_search(40)
    found = made_up(result, taught=True, openings=2)
    page = visit(replace(result, retrained=found))
    count = len(found.entries)
    assert page.locator("#retrained-chart .scatterlayer .point").count() == 2 * count
    assert page.locator("#retrained-chart .errorbar").count() == count
    assert page.locator("#retrained-table tbody tr").count() == count
    labels = page.locator("#retrained-legend .item").all_inner_texts()
    assert [label.strip() for label in labels] == [
        "front after training anew",
        "what the search expected",
        "unchanged, beside them",
        "unchanged, beside them, with a teacher",
        "chosen",
        "chosen, with a teacher",
    ]
    notice = page.locator("#retrained-opened.notice")
    assert "were opened 2 times" in notice.inner_text()


def test_one_opening_is_no_warning_and_without_networks_there_is_no_section(
    visit: OpenPage,
    make_search: MakeSearch,
) -> None:
    result = make_search(40)
    page = visit(replace(result, retrained=made_up(result)))
    assert page.locator("#retrained-opened.notice").count() == 0
    assert "opened once" in page.locator("#retrained-opened").inner_text()
    assert "Teacher" not in page.locator("#retrained-table thead").inner_text()
    page = visit(result)
    assert not page.locator("#retrained").is_visible()
    assert page.locator("#sections", has_text="Trained anew").count() == 0
