"""The picture is drawn for any search; how it looks was judged by eye."""

from __future__ import annotations

import io
from typing import Any

import pytest
from matplotlib.figure import Figure
from PIL import Image

from nas.objectives import Objective
from nas.portrait import KindStyle, Legend, Portrait
from nas.report.pictures.front import pareto_png, value_limits
from nas.search.result import SearchResult
from search_spaces.blocks import BLOCKS
from search_spaces.portrait import legend
from tests.nas.report.conftest import MakeResult, MakeSearch, MakeTrial


def colors_in(png: bytes) -> set[tuple[int, int, int]]:
    with Image.open(io.BytesIO(png)) as image:
        small = image.convert("RGB")
        found = small.getcolors(maxcolors=1 << 24)
    assert found is not None
    return {color for _, color in found}  # type: ignore[misc]


@pytest.mark.parametrize("count", [0, 1, 5, 40, 2000])
def test_a_search_of_any_length_is_a_picture(make_search: MakeSearch, count: int) -> None:
    with Image.open(io.BytesIO(pareto_png(make_search(count)))) as image:
        assert image.format == "PNG"
        assert image.size[0] > 1200


def test_points_of_a_class_have_its_color(make_result: MakeResult, make_trial: MakeTrial) -> None:
    # The only member of the front is drawn opaque, in the color of the dynamic mixers.
    png = pareto_png(make_result([make_trial(0, accuracy=50.0, architecture={"stage1.mixer": "dynamic"})]))
    assert (0x16, 0x68, 0xB8) in colors_in(png)


def of_every_kind(make_result: MakeResult, make_trial: MakeTrial, told: Legend) -> SearchResult:
    """One network of each kind of a legend, and one of a kind that it does not have."""
    portraits = {
        number: Portrait(description=name, kind=name)
        for number, name in enumerate([*(style.name for style in told.styles), "a_kind_of_a_rather_long_name"])
    }
    trials = [make_trial(number, accuracy=50.0 + number, macs=1e6 + number) for number in portraits]
    return make_result(trials, legend=told, portraits=portraits)


@pytest.mark.parametrize("always_mixes", [True, False])
def test_every_shape_of_a_class_can_be_drawn(
    make_result: MakeResult, make_trial: MakeTrial, always_mixes: bool
) -> None:
    result = of_every_kind(make_result, make_trial, legend(always_mixes=always_mixes))
    assert pareto_png(result).startswith(b"\x89PNG")


def test_a_shape_that_matplotlib_has_not_is_a_circle(make_result: MakeResult, make_trial: MakeTrial) -> None:
    strange = Legend(
        styles=(KindStyle(name="odd", label="odd", shape="hourglass"), KindStyle(name="even", label="even"))
    )
    assert pareto_png(of_every_kind(make_result, make_trial, strange)).startswith(b"\x89PNG")


def test_a_legend_of_many_long_names_leaves_the_width_to_the_axes(
    make_result: MakeResult, make_trial: MakeTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = of_every_kind(make_result, make_trial, legend(always_mixes=False))
    assert len(result.trials) > len(BLOCKS)
    drawn: list[Figure] = []
    save = Figure.savefig

    def note_and_save(figure: Figure, *arguments: Any, **options: Any) -> None:
        drawn.append(figure)
        save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", note_and_save)
    pareto_png(result)
    (figure,) = drawn
    (axes,) = figure.axes
    drawn_legend = axes.get_legend()
    assert drawn_legend is not None
    assert drawn_legend.get_window_extent().x1 <= figure.bbox.width
    assert axes.get_window_extent().width > 0.85 * figure.bbox.width


def test_three_objectives_are_drawn(make_search: MakeSearch, three_objectives: tuple[Objective, ...]) -> None:
    assert pareto_png(make_search(60, objectives=three_objectives)).startswith(b"\x89PNG")


def test_text_with_dollar_signs_is_text(make_result: MakeResult, make_trial: MakeTrial) -> None:
    result = make_result([make_trial(0, accuracy=50.0, baseline="$\\broken{$ 5$")], data={"name": "a$b_{$"})
    assert pareto_png(result).startswith(b"\x89PNG")


def test_the_axis_shows_all_of_the_front_but_not_every_outlier(make_result: MakeResult, make_trial: MakeTrial) -> None:
    trials = [make_trial(k, accuracy=60 + k / 10, macs=1e6 + k) for k in range(39)]
    low, high = value_limits(make_result([*trials, make_trial(39, accuracy=10.0, macs=2e6)]))
    assert 50 < low < 60
    assert high > 63.8


def test_the_same_search_is_the_same_picture(make_search: MakeSearch) -> None:
    assert pareto_png(make_search(20)) == pareto_png(make_search(20))
