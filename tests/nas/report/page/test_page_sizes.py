"""The page in windows of two widths, of a small and of a big search: whole, quiet, and no wider than the window."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from nas.report.findings.importance import Importance
from nas.report.page import page as page_text
from nas.search.result import SearchResult
from tests.nas.report.conftest import synthetic_search
from tests.nas.report.page.test_page_browser import Visit, browser  # noqa: F401
from tests.nas.report.sections.test_answers import answered

pytestmark = pytest.mark.browser

SECTIONS = ("front", "answers", "kinds", "stages", "peers", "decisions", "progress", "trials", "refused", "conditions")
CHARTS = ("front-chart", "kinds-chart", "peers-chart", "progress-chart", "choice-chart")


def big_or_small(count: int) -> SearchResult:
    result = synthetic_search(count, seed=1)
    loading = "# Start Python in this page's folder.\nfrom search_spaces import load_model"
    named = dataclasses.replace(result, name="a_name_without_any_space_" * 4, loading=loading)
    return answered(named, classes=10 if count < 100 else 200)


@pytest.fixture(scope="module", params=[20, 2000])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page. In the big one the ranking of decisions is left out, which takes the most time and is a chart like others."""
    found = tmp_path_factory.mktemp("page") / "report.html"
    with pytest.MonkeyPatch.context() as patch:
        if request.param > 100:
            nothing = Importance(n=0, score=None, weights=(), verdict="left out")
            patch.setattr("nas.report.payload.importance", lambda _trials, _target: nothing)
        found.write_text(page_text(big_or_small(request.param)), encoding="utf-8")
    return found


@pytest.mark.parametrize("width", [1400, 400])
def test_the_page_is_whole_quiet_and_no_wider_than_the_window(browser: Browser, path: Path, width: int) -> None:  # noqa: F811
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.set_default_timeout(300_000)
    page.set_default_navigation_timeout(300_000)
    visit = Visit(page, path)
    for section in SECTIONS:
        assert page.locator(f"section#{section}").is_visible(), section
    assert page.locator("#advice").inner_text()
    assert page.locator("#trials-table tbody tr").count() <= 200
    for chart in CHARTS:  # in a big search drawn when they come near the window
        page.locator(f"#{chart}").scroll_into_view_if_needed()
        page.locator(f"#{chart} .main-svg").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    # The card and the picture beside it, where there is room for both, end at the same height.
    left, card = (page.locator(place).bounding_box() for place in ("#front-left", "#network .card"))
    assert left is not None
    assert card is not None
    if width > 900:
        assert abs(left["y"] + left["height"] - card["y"] - card["height"]) <= 2
        assert left["y"] == pytest.approx(card["y"], abs=2)
    else:
        assert card["y"] >= left["y"] + left["height"]
    visit.check_quiet(path)
    page.close()
