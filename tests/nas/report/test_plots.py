"""The picture is drawn for any search; how it looks was judged by eye."""

from __future__ import annotations

import io
from typing import Any

import pytest
from matplotlib.figure import Figure
from PIL import Image

from nas.dimensions import Scalar
from nas.objectives import Objective
from nas.report.plots import pareto_png, value_limits
from nas.report.styles import STYLES
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


def test_every_shape_of_a_class_can_be_drawn(make_result: MakeResult, make_trial: MakeTrial) -> None:
    kinds = [*STYLES, "unheard_of"]
    trials = [
        make_trial(k, accuracy=50.0 + k, macs=1e6 + k, architecture={"stage1.mixer": kind})
        for k, kind in enumerate(kinds)
    ]
    assert pareto_png(make_result(trials)).startswith(b"\x89PNG")


def test_a_legend_of_many_long_names_leaves_the_width_to_the_axes(
    make_result: MakeResult, make_trial: MakeTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    grouped: dict[str, Scalar] = {"stage1.convolution": "grouped", "stage1.conv_groups": 4}
    trials = [
        make_trial(k, accuracy=50.0 + k, macs=1e6 + k, architecture={**grouped, "stage1.mixer": kind})
        for k, kind in enumerate([*STYLES, "a_mixer_of_a_rather_long_name"])
    ]
    drawn: list[Figure] = []
    save = Figure.savefig

    def note_and_save(figure: Figure, *arguments: Any, **options: Any) -> None:
        drawn.append(figure)
        save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", note_and_save)
    pareto_png(make_result(trials))
    (figure,) = drawn
    (axes,) = figure.axes
    legend = axes.get_legend()
    assert legend is not None
    assert legend.get_window_extent().x1 <= figure.bbox.width
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
