"""The pictures of a comparison, as SVG texts for a page."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from nas.report.comparison.curves import Growth, attained
from nas.report.findings.statistics import expected_value, front_line, trained
from nas.report.pictures.front import GRID, STYLE
from nas.report.pictures.marks import SOFT
from nas.report.quantities import log_ticks, tick
from nas.report.styles import ALONE, PALETTE
from nas.search.result import SearchResult

SIZE = (9.2, 4.6)
COLORS = (ALONE[0], *(light for light, _ in PALETTE[4:]))
"""Colors of the searches, in their order."""
DASHES = ("-", "--", "-.", ":")
"""Searches also differ in their lines, for readers who do not tell the colors apart."""

_STYLE = {**STYLE, "svg.fonttype": "none", "svg.hashsalt": "comparison"}


def fronts_svg(results: Sequence[SearchResult], names: Sequence[str]) -> str:
    """The expected front of each search, over all its trained networks."""
    dearest = _dearest(results)

    def draw(axes: Axes) -> None:
        for position, (result, name) in enumerate(zip(results, names, strict=True)):
            cost, color = result.cost.name, _color(position)
            pool = trained(result)
            axes.scatter(
                [trial.values()[cost] for trial in pool],
                [expected_value(result, trial) for trial in pool],
                s=9,
                color=color,
                alpha=0.25,
                linewidths=0,
            )
            points = [(trial.values()[cost], expected_value(result, trial)) for trial in front_line(result)]
            _stairs(axes, points, dearest, color=color, linestyle=_dash(position), label=name)
            axes.scatter([at for at, _ in points], [value for _, value in points], s=20, color=color)
        _label_costs(axes, results)

    return _svg(draw)


def growth_svg(growths: Sequence[Growth], names: Sequence[str]) -> str:
    """The hypervolume of each search over trainings, epochs and hours of training."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(SIZE[0], 3.4), layout="constrained")
        FigureCanvasSVG(figure)
        panels = figure.subplots(1, 3, sharey=True)
        for axes, (field, label) in zip(
            panels, (("trials", "Trainings"), ("epochs", "Epochs"), ("hours", "Hours of training")), strict=True
        ):
            for position, (growth, name) in enumerate(zip(growths, names, strict=True)):
                axes.plot(
                    getattr(growth, field),
                    growth.hypervolume,
                    drawstyle="steps-post",
                    color=_color(position),
                    linestyle=_dash(position),
                    label=name,
                )
            axes.set_xlabel(label)
            axes.grid(color=GRID)
            axes.set_axisbelow(True)
        panels[0].set_ylabel("Hypervolume")
        panels[0].legend(loc="lower right", fontsize=8)
        return _text(figure)


def attainment_svg(results: Sequence[SearchResult]) -> str:
    """The values that the best, the median and the worst of repeated searches attain at each cost."""
    count = len(results)

    def draw(axes: Axes) -> None:
        for share, label, dash in ((1 / count, "the best search", ":"), (0.5, "half of them", "-"), (1.0, "all", "--")):
            look = {"color": ALONE[0], "linestyle": dash, "label": f"attained by {label}"}
            _stairs(axes, attained(results, share), _dearest(results), **look)
        _label_costs(axes, results)

    return _svg(draw)


def _dearest(results: Sequence[SearchResult]) -> float:
    """The largest cost of all trained networks."""
    return max(trial.values()[result.cost.name] for result in results for trial in trained(result))


def _stairs(axes: Axes, points: Sequence[tuple[float, float]], end: float, **look: Any) -> None:
    """Draws values that hold from their cost on, up to a cost at the end."""
    whole = [*points, (end, points[-1][1])] if points else []
    axes.plot([cost for cost, _ in whole], [value for _, value in whole], drawstyle="steps-post", **look)


def _label_costs(axes: Axes, results: Sequence[SearchResult]) -> None:
    learned, cost = results[0].learned, results[0].cost
    axes.set_xlabel(cost.label)
    axes.set_ylabel(f"Expected {learned.label[:1].lower()}{learned.label[1:]}")
    if cost.log:
        axes.set_xscale("log")
        low, high = axes.get_xlim()
        axes.xaxis.set_major_locator(FixedLocator(log_ticks(low, high)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))


def _svg(draw: Callable[[Axes], object]) -> str:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=SIZE, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        draw(axes)
        axes.grid(color=GRID)
        axes.set_axisbelow(True)
        axes.legend(loc="lower right", fontsize=9, labelcolor=SOFT)
        return _text(figure)


def _text(figure: Figure) -> str:
    """The picture as an element of a page, without the head of a file."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _color(position: int) -> str:
    return COLORS[position % len(COLORS)]


def _dash(position: int) -> str:
    return DASHES[position // len(COLORS) % len(DASHES)] if position >= len(COLORS) else DASHES[position % len(DASHES)]
