"""The page in a real browser: points are drawn, a click says what the network is, tables sort, nothing is asked for."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from nas.dimensions import Scalar
from nas.objectives import Objective
from nas.records import Failure, FailureKind, TrialState
from nas.report.findings.recommendation import recommendation
from nas.report.page import page as page_text
from nas.search.result import SearchResult
from tests.nas.report.conftest import MakeResult, MakeSearch, MakeTrial

pytestmark = pytest.mark.browser

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield started
        started.close()


class Visit:
    """An open page, with all it complained about and asked for."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(path.as_uri())

    def check_quiet(self, path: Path) -> None:
        assert self.complaints == []
        assert [url for url in self.requests if not url.startswith("data:")] == [path.as_uri()]


class OpenPage(Protocol):
    """Opens the page of a result in a browser page with these options; see `visit`."""

    def __call__(self, result: SearchResult, **options: Any) -> Page: ...


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[OpenPage]:
    """Opens the page of a result; at the end nothing may have been complained about or asked for."""
    path = tmp_path / "report.html"
    visits: list[Visit] = []

    def opened(result: SearchResult, **options: Any) -> Page:
        path.write_text(page_text(result), encoding="utf-8")
        visits.append(Visit(browser.new_page(**options), path))
        return visits[-1].page

    yield opened
    for one in visits:
        one.check_quiet(path)
        one.page.close()


def test_every_trained_network_is_a_point(visit: OpenPage, make_search: MakeSearch) -> None:
    result = make_search(40)
    page = visit(result)
    trained = sum(trial.state is TrialState.COMPLETE for trial in result.trials)
    stopped = sum(trial.state is TrialState.STOPPED for trial in result.trials)
    # Two more are the rings around the recommended and the chosen one.
    assert page.locator("#front-chart .scatterlayer .point").count() == trained + stopped + 2
    for chart in ("kinds-chart", "peers-chart", "choice-chart"):
        assert page.locator(f"#{chart} .scatterlayer .point").count() > 0
    assert page.locator("#importance-chart .bars .point").count() > 0
    assert page.locator("#progress-chart .scatterlayer .lines path").count() == 1


def test_a_click_on_a_point_says_what_the_network_is(
    visit: OpenPage, make_result: MakeResult, make_trial: MakeTrial
) -> None:
    dynamic: dict[str, Scalar] = {
        "width": 32,
        "stage1.units": 4,
        "stage1.mixer": "dynamic",
        "stage1.groups": 2,
        "stage1.n1": 4,
        "stage1.n2": 6,
    }
    trials = [
        make_trial(0, accuracy=70.0, macs=4e6),
        make_trial(
            5,
            accuracy=40.0,
            macs=8e6,
            params=123_456,
            architecture=dynamic,
            details={
                "soft_accuracy": 40.5,
                "mixers": [{"name": "stages.0.1.mixer", "valid": 1.0, "coverage": 1.0, "disagreement": 0.25}],
                "curve": [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}],
            },
        ),
    ]
    assert "load" not in visit(make_result(trials)).locator("#network").inner_text(), "nobody said that models are kept"
    page = visit(dataclasses.replace(make_result(trials), loading="import x\n\nx.load('models/{trial}')"))
    panel = page.locator("#network")
    assert "Trial 0" in panel.inner_text()
    assert panel.locator(".load").inner_text() == "import x\n\nx.load('models/0')"
    # The soft dots are drawn first; trial 5 is the only network that is not on the front.
    point = page.locator("#front-chart .scatterlayer .point").first
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator("#network h3", has_text="Trial 5").wait_for()
    text = panel.inner_text()
    for part in (
        "Stage 1: 4 units, dynamic",
        "2 groups",
        "4 x 6",
        "40.0 ± 0.7 %",
        "8.00M",
        "123k",
        "+0.50 pts",
        "25 %",
    ):
        assert part in text
    assert "x.load" not in text
    assert page.locator("#curve .scatterlayer .lines path").count() == 1
    assert page.locator("#network svg.schematic rect").count() == 4 + 2


RESNET: dict[str, Scalar] = {
    "width": 0.5,
    "stage1.units": 2,
    "stage1.convolution": "dense",
    "stage2.units": 3,
    "stage2.convolution": "grouped",
    "stage2.conv_groups": 4,
    "stage2.mixer": "dynamic",
    "stage3.units": 4,
    "stage3.convolution": "static_dynamic",
    "stage3.kron_rank": 2,
}


def test_a_stage_shows_what_its_convolutions_are(
    visit: OpenPage, make_result: MakeResult, make_trial: MakeTrial
) -> None:
    page = visit(make_result([make_trial(0, accuracy=70.0, architecture=RESNET)]))
    text = page.locator("#network .stages").inner_text()
    assert "Stage 1: 2 units, dense convolutions" in text
    assert "Stage 2: 3 units, convolutions in 4 groups, dynamic" in text
    assert "Stage 3: 4 units, static-dynamic convolutions" in text
    titles = page.eval_on_selector_all("#network svg.schematic title", "found => found.map(one => one.textContent)")
    parts = {title: titles.count(title) for title in titles}
    # A dense unit is one bar, a grouped one is cut in three slices, and one of shuffles has a core and a rim.
    assert parts == {
        "dense convolutions": 2,
        "convolutions in 4 groups, dynamic": 3 * 3,
        "static-dynamic convolutions": 4 * 2,
    }


def test_dense_networks_are_named_as_peers(visit: OpenPage, make_result: MakeResult, make_trial: MakeTrial) -> None:
    dense: dict[str, Scalar] = {"width": 0.5, "stage1.convolution": "dense"}
    grouped: dict[str, Scalar] = {
        "width": 0.5,
        "stage1.convolution": "grouped",
        "stage1.conv_groups": 4,
        "stage1.mixer": "fixed",
    }
    trials = [
        make_trial(0, accuracy=60.0, architecture=dense),
        make_trial(1, accuracy=70.0, macs=2e6, architecture=grouped),
    ]
    page = visit(make_result(trials))
    assert page.locator("#peers h2").inner_text() == "Beside the best dense network of no greater cost"
    assert "against the best dense network of no greater cost" in page.locator("#peers-lead").inner_text()
    assert "Beside the best dense network of no greater cost" in page.locator("#versus").inner_text()
    assert "Dense peer" in page.locator("#peers-table th").all_text_contents()
    assert page.locator("#kinds h2").inner_text() == "One front per kind"
    assert page.locator("nav").inner_text().split()[:4] == ["Front", "Kinds", "Stages", "Peers"]
    legend = page.locator("#front-legend").inner_text()
    assert "dense (1)" in legend
    assert "grouped, fixed shuffle (1)" in legend


def test_the_stages_of_the_front_are_shown_beside_those_of_all_networks(
    visit: OpenPage, make_result: MakeResult, make_trial: MakeTrial
) -> None:
    dense: dict[str, Scalar] = {"stage1.convolution": "dense", "stage2.convolution": "dense"}
    rebuilt: dict[str, Scalar] = {
        "stage1.convolution": "reconstructed",
        "stage1.rebuilt": 0.5,
        "stage2.convolution": "dense",
    }
    learned: dict[str, Scalar] = {
        "stage1.convolution": "learned_groups",
        "stage1.learned_groups": 4,
        "stage2.convolution": "dense",
    }
    page = visit(
        make_result(
            [
                make_trial(0, accuracy=60.0, macs=1e6, architecture=dense),
                make_trial(1, accuracy=70.0, macs=2e6, architecture=learned),
                make_trial(2, accuracy=65.0, macs=3e6, architecture=rebuilt),
            ]
        )
    )
    lead = page.locator("#stages-lead").inner_text()
    assert "2 networks on the front" in lead
    assert lead.endswith("No stage of the front is: rebuilt filters.")
    assert page.locator("#stages-legend .item").all_inner_texts() == ["dense", "rebuilt filters", "learned groups"]
    # Two stages, each once for the front and once for all, in three kinds.
    assert page.locator("#stages-chart .bars .point").count() == 2 * 2 * 3


def test_other_modes_are_shown_where_they_were_taken_and_say_what_they_are(
    visit: OpenPage, make_result: MakeResult, make_trial: MakeTrial
) -> None:
    trials = [
        make_trial(0, accuracy=70.0, macs=2e6, details={"soft_accuracy": 71.0, "swapped_accuracy": 66.5}),
        make_trial(1, accuracy=60.0, macs=1e6),
    ]
    page = visit(make_result(trials))
    cells = page.locator("#network .numbers > div")
    swapped = cells.filter(has_text="Swapped")
    assert "\N{MINUS SIGN}3.50 pts" in swapped.inner_text()
    assert "another image" in (swapped.get_attribute("title") or "")
    soft = cells.filter(has_text="Soft")
    assert "+1.00 pts" in soft.inner_text()
    assert "soft matrices" in (soft.get_attribute("title") or "")
    page.get_by_label("Cheaper on the front").click()
    assert cells.filter(has_text="Accuracy").count() == 1
    assert swapped.count() == soft.count() == 0


def test_headings_sort_and_the_filter_narrows(visit: OpenPage, make_search: MakeSearch) -> None:
    result = make_search(19, seed=1)
    page = visit(result)

    def shown() -> list[int]:
        return [
            int(row)
            for row in page.eval_on_selector_all("#trials-table tbody tr", "rows => rows.map(r => r.dataset.trial)")
        ]

    heading = page.locator("#trials-table th button", has_text="MACs")
    heading.click()
    by_cost = sorted(result.trials, key=lambda trial: trial.costs["macs"])
    assert [result.trials[n].costs["macs"] for n in shown()] == [trial.costs["macs"] for trial in by_cost]
    heading.click()
    assert [result.trials[n].costs["macs"] for n in shown()] == [trial.costs["macs"] for trial in by_cost[::-1]]
    assert page.locator("#trials-table th[aria-sort=descending]").inner_text().startswith("MACs")
    page.locator("#trials-front").check()
    assert set(shown()) == set(result.front.trials)
    page.locator("#trials-front").uncheck()
    page.locator("#trials-state").select_option("failed")
    assert set(shown()) == {trial.number for trial in result.trials if trial.state is TrialState.FAILED}


def test_the_panel_is_reached_by_keys_and_steps_along_the_front(visit: OpenPage, make_search: MakeSearch) -> None:
    result = make_search(18)
    page = visit(result)
    heading = page.locator("#network h3")
    taken = recommendation(result)
    assert taken is not None
    assert heading.inner_text() == f"Trial {taken.trial}"
    page.get_by_label("Costlier on the front").click()
    assert heading.inner_text() == f"Trial {taken.better}"
    page.get_by_label("Cheaper on the front").click()
    assert heading.inner_text() == f"Trial {taken.trial}"
    page.locator("#trials-table tbody tr[data-trial='2'] button").focus()
    page.keyboard.press("Enter")
    assert heading.inner_text() == "Trial 2"


def test_a_hidden_mixer_leaves_the_picture(visit: OpenPage, make_search: MakeSearch) -> None:
    page = visit(make_search(18))
    points = page.locator("#front-chart .scatterlayer .point")
    before = points.count()
    page.locator("#front-legend button").nth(1).click()
    assert 0 < points.count() < before


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_nothing_sticks_out_sideways(
    visit: OpenPage, make_search: MakeSearch, three_objectives: tuple[Objective, ...], width: int, scheme: str
) -> None:
    page = visit(
        make_search(19, objectives=three_objectives), viewport={"width": width, "height": 800}, color_scheme=scheme
    )
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_charts_turn_dark_with_the_page(visit: OpenPage, make_search: MakeSearch) -> None:
    page = visit(make_search(10), color_scheme="light")
    ink = "getComputedStyle(document.querySelector('#front-chart .xtick text')).fill"
    light = page.evaluate(ink)
    page.emulate_media(color_scheme="dark")
    page.wait_for_selector("#front-chart .xtick text")
    # Playwright's wait_for_function polls with eval, which the page's content security policy forbids.
    for _ in range(1200):
        if page.evaluate(f"document.querySelector('#front-chart .xtick text') ? {ink} : null") not in (None, light):
            return
        page.wait_for_timeout(100)
    pytest.fail("the chart's text has kept its light ink for two minutes")


def test_a_search_without_results_says_so(visit: OpenPage, make_result: MakeResult, make_trial: MakeTrial) -> None:
    assert "No network has been trained to the end yet" in visit(make_result([])).locator("#answer").inner_text()
    failure = Failure(kind=FailureKind.DIVERGED, message="loss is NaN")
    page = visit(make_result([make_trial(k, state=TrialState.FAILED, outcome=failure) for k in range(3)]))
    assert "diverged: loss is NaN" in page.locator("#refused-list").inner_text()
    assert page.locator("#network h3").inner_text() == "Trial 0"


def test_any_space_is_shown(visit: OpenPage, make_result: MakeResult, make_trial: MakeTrial) -> None:
    trials = [
        make_trial(k, accuracy=50.0 + k, macs=1e5 * (k + 1), architecture={"depth": k, "kind": "abc"[k % 3]})
        for k in range(8)
    ]
    page = visit(make_result(trials))
    assert page.locator("#kinds").is_hidden()
    assert page.locator("#peers").is_hidden()
    assert "depth" in page.locator("#network").inner_text()


def test_hostile_text_does_nothing(visit: OpenPage, make_result: MakeResult, make_trial: MakeTrial) -> None:
    hostile = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'><b>bold</b>"
    trial = make_trial(0, accuracy=50.0, baseline=hostile, architecture={"stage1.mixer": hostile, hostile: 1})
    page = visit(make_result([trial], settings={"output": hostile, hostile: {"a": hostile}}, data={"name": hostile}))
    assert page.evaluate("window.hacked") is None
    assert page.locator("img, b").count() == 0
    assert hostile in page.locator("#settings").inner_text()


def test_the_level_of_the_commonest_class_is_a_line_that_can_be_hidden(
    visit: OpenPage, make_search: MakeSearch
) -> None:
    uneven = {"majority_class": "dark", "majority_share": 0.8, "majority_share_of_all": 0.8, "classes": 2}
    result = make_search(20)
    result = dataclasses.replace(result, data={**result.data, **uneven, "told": ("image size: 80 x 80 pixels",)})
    page = visit(result)
    lines = page.locator("#front-chart .shapelayer path")
    assert lines.count() == 1
    page.locator("#front-legend button", has_text="commonest class alone, 80.0 %").click()
    assert lines.count() == 0
    assert "Image size: 80 x 80 pixels." in page.locator("#images").inner_text()
