"""The slider of the page: the best network of the front below a cost."""

from __future__ import annotations

import pytest

from nas.report.findings.recommendation import best_within
from nas.report.findings.statistics import front_line
from tests.nas.report.conftest import MakeResult, MakeSearch, MakeTrial
from tests.nas.report.page.test_page_browser import OpenPage, browser, visit

__all__ = ["browser", "visit"]
pytestmark = pytest.mark.browser
MOVE = "(slider, place) => { slider.value = place; slider.dispatchEvent(new Event('input')); }"


@pytest.mark.parametrize("width", [1400, 400])
def test_the_slider_moves_along_the_front(visit: OpenPage, make_search: MakeSearch, width: int) -> None:
    result = make_search(40)
    page = visit(result, viewport={"width": width, "height": 900})
    line = front_line(result)
    assert len(line) > 2
    slider, told = page.locator("#below"), page.locator("#below-told")
    seen = []
    for place in range(0, 1001, 25):
        slider.evaluate(MOVE, str(place))
        seen.append(int(told.inner_text().split()[1].rstrip(",")))
        assert f"Trial {seen[-1]}" in page.locator("#network").inner_text()
    assert seen[0] == line[0].number
    assert seen[-1] == line[-1].number
    order = {trial.number: position for position, trial in enumerate(line)}
    assert [order[number] for number in seen] == sorted(order[number] for number in seen)
    dearest = max(trial.costs["macs"] for trial in result.trials if trial.outcome is not None)
    best = best_within(result, {"macs": dearest})
    assert best is not None
    assert best.trial == seen[-1]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_front_of_one_network_has_no_slider(visit: OpenPage, make_result: MakeResult, make_trial: MakeTrial) -> None:
    page = visit(make_result([make_trial(0, accuracy=50.0)]))
    assert page.locator("#below-box").is_hidden()
