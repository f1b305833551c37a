"""The page and the picture of a search whose learned objective is minimized and whose cost has a linear axis."""

from __future__ import annotations

import dataclasses
import re

import pytest

from nas.dimensions import Scalar
from nas.objectives import Direction, Objective, ObjectiveKind
from nas.records import Evaluation, Measurement
from nas.report.findings.recommendation import recommendation
from nas.report.findings.statistics import staircase, trained
from nas.report.payload import payload
from nas.report.pictures.front import pareto_png, value_limits
from nas.search.result import SearchResult
from tests.nas.report.conftest import MakeResult, MakeTrial
from tests.nas.report.page.test_page_browser import OpenPage, browser, visit  # noqa: F401

ERROR = Objective(
    name="error", direction=Direction.MINIMIZE, kind=ObjectiveKind.LEARNED, unit="mm", reference=9.0, words="mean error"
)
PRICE = Objective(name="price", direction=Direction.MINIMIZE, kind=ObjectiveKind.KNOWN, unit="EUR", reference=90.0)
MIXERS = ("fixed", "dynamic")


@pytest.fixture
def result(make_result: MakeResult, make_trial: MakeTrial) -> SearchResult:
    """Errors fall with the price; at each price the dynamic one is better; one network is far worse than all others."""
    trials = []
    for number in range(24):
        price = 0.0 if number == 0 else 3.0 * number
        error = 8.0 if number == 5 else 2.0 / (1 + price / 20) - 0.3 * (number % 2) + 0.5
        outcome = Evaluation(
            measurements={"error": Measurement(mean=error, std=0.4, n=100), "price": Measurement(mean=price)},
            seconds=1.0,
            epochs=2,
            details={
                "curve": [{"epoch": k, "loss": 1.0 / k, "error": error + 1 - k / 2} for k in (1, 2)],
                "soft_error": error - 0.125,
            },
        )
        architecture: dict[str, Scalar] = {"width": number + 1, "stage1.mixer": MIXERS[number % 2]}
        trial = make_trial(number, outcome=outcome, architecture=architecture)
        trials.append(dataclasses.replace(trial, costs={**trial.costs, "price": price}))
    return make_result(trials, (ERROR, PRICE))


def test_a_cost_of_nothing_has_a_place_on_a_linear_axis(result: SearchResult) -> None:
    assert [trial.number for trial in trained(result)] == list(range(24))
    assert 0 in {trial.number for trial in staircase(result, trained(result))}


def test_the_worst_is_cut_off_at_the_top(result: SearchResult) -> None:
    low, high = value_limits(result)
    assert low < 0.5
    assert 2.5 < high < 8.0
    assert pareto_png(result).startswith(b"\x89PNG")


def test_smaller_errors_are_better(result: SearchResult) -> None:
    shown = payload(result)
    assert {pair["better"] for pair in shown["pairs"] if pair["trial"] != 5} == {True}
    assert "mean error" in shown["answer"]
    assert " mm at " in shown["answer"]
    assert all("mean error" in one["target"] for one in shown["importance"])


@pytest.mark.browser
def test_the_page_draws_and_tells_errors(visit: OpenPage, result: SearchResult) -> None:  # noqa: F811
    page = visit(result)
    titles = " ".join(page.locator("#front-chart .infolayer").first.locator("text").all_text_contents())
    assert "Mean error (mm)" in titles
    assert "Price (EUR)" in titles
    assert "Every trained network by validation mean error and price." in page.locator("#front-lead").inner_text()
    assert "1 network outside the picture" in page.locator("#front-caption").inner_text()
    # The panel begins with the one that is recommended.
    taken = recommendation(result)
    assert taken is not None
    assert page.locator("#network h3").inner_text() == f"Trial {taken.trial}"
    numbers = page.locator("#network .numbers").inner_text()
    assert re.search(r"Mean error\s+1\.\d+ ± 0\.04 mm", numbers)
    assert re.search(r"Price\s+\d+ EUR", numbers)
    assert "\N{MINUS SIGN}0.13 mm" in numbers
    headings = page.locator("#trials-table th").all_inner_texts()
    assert headings[2] == "Mean error mm"
    assert "Price EUR" in headings
    assert page.locator("#peers-table .up").count() > 5
    assert page.locator("#peers-table .down").count() <= 1, "the network that is far worse"
    assert "accuracy" not in page.locator("body").inner_text().lower()
