"""Chart and picture: each kind of mark that is drawn is in the legend, and nothing else is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from nas.records import TrialState
from nas.report.plots import pareto_figure
from nas.search.estimates import Estimate
from nas.search.result import SearchResult
from tests.nas.report.conftest import MakeResult, MakeSearch, MakeTrial
from tests.nas.report.page.test_page_browser import OpenPage, browser, visit  # noqa: F401

UNEVEN = {"majority_class": "dark", "majority_share": 0.62, "majority_share_of_all": 0.62, "classes": 2}


@pytest.fixture(params=["plain", "expected", "baselines only", "all"])
def result(
    request: pytest.FixtureRequest, make_search: MakeSearch, make_result: MakeResult, make_trial: MakeTrial
) -> SearchResult:
    if request.param == "plain":
        return make_search(30)
    if request.param == "baselines only":
        return make_result([make_trial(k, accuracy=50.0 + 9 * k, macs=1e6 * 3**k, baseline=f"B{k}") for k in range(3)])
    found = make_search(60, seed=2)
    if request.param == "all":
        found = dataclasses.replace(found, data={**found.data, **UNEVEN})
    expected = {
        number: Estimate(mean=found.trials[number].values()["accuracy"] - 0.5, error=0.3, trainings=1)
        for number in found.front.trials
    }
    return dataclasses.replace(found, estimates=expected, observed=found.front)


def looks(collections: Iterable[object]) -> set[tuple[Any, ...]]:
    """Outline and color of all points that are drawn, or stand in a legend."""
    found = set()
    for one in collections:
        if isinstance(one, PathCollection) and len(np.asarray(one.get_offsets())):
            (path,) = one.get_paths()
            outline = tuple(map(tuple, np.asarray(path.vertices).round(6).tolist()))
            (color,) = np.asarray(one.get_facecolor()).reshape(-1, 4)
            found.add((outline, tuple(color[:3].round(4))))
    return found


def test_the_picture_names_what_it_draws(result: SearchResult) -> None:
    (axes,) = pareto_figure(result).axes
    drawn_legend = axes.get_legend()
    assert drawn_legend is not None
    labels = [text.get_text() for text in drawn_legend.get_texts()]
    assert len(set(labels)) == len(labels)
    assert looks(axes.collections) == looks(drawn_legend.legend_handles)
    told = " ".join(labels)
    shifted = any(one.mean != result.trials[n].values()["accuracy"] for n, one in result.estimates.items())
    assert ("from expected to measured" in told) == shifted
    assert ("observed front" in told) == (result.observed is not None)
    assert ("commonest class" in told) == ("majority_share" in result.data)
    marked = [trial for trial in result.trials if trial.baseline is not None]
    kept = [trial for trial in marked if trial.number in result.front.trials]
    assert ("unchanged, settings" in told) == (len(kept) < len(marked))
    assert ("unchanged, on the front" in told) == bool(kept)
    assert "recommended: trial" in told


LOOKS = """() => {
  const chart = document.getElementById("front-chart");
  const legend = [...document.querySelectorAll("#front-legend [data-key]")].map((item) => {
    const symbol = item.querySelector(".symbol");
    const line = item.querySelector("line");
    const style = symbol && getComputedStyle(symbol);
    return [item.dataset.key, {
      symbol: symbol && symbol.tagName, fill: style && style.fill, stroke: style && style.stroke,
      line: line && getComputedStyle(line).stroke,
    }];
  });
  const points = [...chart.querySelectorAll(".scatterlayer .trace")].map((trace, k) => {
    const found = [...trace.querySelectorAll(".point")].map((point) => ({ fill: point.style.fill, stroke: point.style.stroke }));
    const lines = [...trace.querySelectorAll(".js-line")].map((line) => line.style.stroke);
    return { found, lines };
  });
  const shapes = chart.layout.shapes.map((shape) => shape.line.color);
  return { legend, points, shapes, keys: chart.data.map((trace) => trace.meta) };
}"""


@pytest.mark.browser
def test_the_chart_names_what_it_draws(visit: OpenPage, result: SearchResult) -> None:  # noqa: F811
    found = visit(result).evaluate(LOOKS)
    legend = dict(found["legend"])
    assert len(legend) == len(found["legend"])
    drawn = set(found["keys"]) | ({"majority"} if found["shapes"] else set())
    on_front = {result.portrait(result.trials[number]).kind for number in result.front.trials}
    assert drawn <= set(legend)
    assert set(legend) - drawn <= on_front, "a kind of which all networks are on the front is drawn with its outline"
    fills = {look["fill"] for look in legend.values() if look["symbol"]}
    for key, trace in zip(found["keys"], found["points"], strict=True):
        look = legend[key]
        for line in trace["lines"]:
            assert line == look["line"], key
        for point in trace["found"]:
            if key in ("stopped", "recommended", "chosen"):
                assert point["stroke"] == look["stroke"], key
            elif key == "front":
                assert point["stroke"] == look["stroke"]
                assert point["fill"] in fills, "the color of its kind"
            else:
                assert point["fill"] == look["fill"], key
    stopped = any(trial.state is TrialState.STOPPED for trial in result.trials)
    assert ("stopped" in legend) == stopped
    assert ("majority" in legend) == ("majority_share" in result.data)
