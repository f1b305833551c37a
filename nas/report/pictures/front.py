"""The front as a picture for files."""

from __future__ import annotations

import io
import itertools
import math
import textwrap
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from nas.objectives import LEAST, Form
from nas.records import Trial
from nas.report.findings.statistics import (
    expected_value,
    front_line,
    learned_value,
    members,
    resolution,
    standard_error,
    trained,
)
from nas.report.images import is_uneven, majority
from nas.report.pictures.labels import place_labels
from nas.report.pictures.marks import INK, SOFT, baselines_of, cost_of, draw_marks, height_of
from nas.report.quantities import difference, log_ticks, tick, with_unit
from nas.report.words import subtitle, title
from nas.search.result import SearchResult

GRID = "#e8eaee"
_DPI = 170
_NOTE_WIDTH = 130
"""Number of characters in a line of the note below the axes."""
STYLE: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "axes.edgecolor": "#b9c0ca",
    "axes.labelcolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "legend.frameon": False,
}


def pareto_png(result: SearchResult) -> bytes:
    """The learned objective against the cost of all trained networks, with the front and the baselines, as a PNG."""
    with mpl.rc_context(STYLE):
        stream = io.BytesIO()
        pareto_figure(result).savefig(stream, format="png", metadata={"Software": None})
        return stream.getvalue()


def pareto_figure(result: SearchResult) -> Figure:
    """The same as a figure of matplotlib."""
    with mpl.rc_context(STYLE):
        # Room for the title above and the note below; constrained layout arranges the rest.
        arrangement = ConstrainedLayoutEngine(rect=(0.012, 0.05, 0.976, 0.845))
        figure = Figure(figsize=(9.6, 6.2), dpi=_DPI, layout=arrangement, facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        figure.text(0.02, 0.945, title(result), fontsize=16, fontweight="bold")
        figure.text(0.02, 0.905, subtitle(result), color=SOFT, fontsize=10)
        if trained(result):
            _draw(figure, axes, result)
        else:
            axes.set_axis_off()
            axes.text(0.5, 0.5, "No network has been trained to the end yet.", ha="center", color=SOFT, fontsize=13)
        return figure


def value_limits(result: SearchResult) -> tuple[float, float]:
    """Ends of the axis of the learned objective: all of the front and the baselines, but not the worst twentieth of the rest.

    If classes are uneven, the value of always answering the commonest class is included.
    """
    learned = result.learned
    measured = [learned_value(result, trial).mean for trial in trained(result)]
    ordered = sorted(measured, key=learned.score)
    kept = [(learned_value(result, trial).mean, learned_value(result, trial)) for trial in baselines_of(result)]
    kept += [(expected_value(result, trial), learned_value(result, trial)) for trial in members(result)]
    ends = [ordered[len(ordered) // 20], ordered[-1]]
    ends += [height + sign * (standard_error(m) or 0) for height, m in kept for sign in (-1, 1)]
    alone = _majority(result)
    if alone is not None and is_uneven(result.data):
        ends.append(alone)
    low, high = min(ends), max(ends)
    least = 1.0 if learned.form is Form.PERCENT else 0.02 * max(abs(low), abs(high), LEAST)
    room = 0.06 * max(high - low, least)
    return low - room, high + room


def _majority(result: SearchResult) -> float | None:
    """The value of always answering the commonest class; None where it cannot be compared."""
    return majority(result.data) if result.learned.beside_majority else None


def _scale(axes: Axes, result: SearchResult) -> float:
    """Sets the axis of cost, with a little margin, and space for a name at its expensive end.

    Returns:
        The right end of the axis.
    """
    costs = [cost_of(result, trial) for trial in trained(result)]
    low, high = min(costs), max(costs)
    if not result.cost.log:
        room = 0.05 * (high - low) or max(abs(high), LEAST)
        axes.set_xlim(low - room, high + 3 * room)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(float(f"{value:.6g}"))))
        axes.set_xlabel(result.cost.label, labelpad=8)
        return float(high + 3 * room)
    span = high / low
    factor = max(span**0.05, math.sqrt(1.6 / span))
    left, right = low / factor, high * factor**3
    axes.set(xscale="log", xlim=(left, right))
    axes.xaxis.set_major_locator(FixedLocator(log_ticks(left, right)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(float(f"{value:.6g}"))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(f"{result.cost.label}, logarithmic", labelpad=8)
    return float(right)


def _draw(figure: Figure, axes: Axes, result: SearchResult) -> None:
    low, high = value_limits(result)
    axes.set_ylim(low, high)
    right = _scale(axes, result)
    axes.set_ylabel(result.learned.label, labelpad=8)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    draw_marks(axes, result, right)
    alone = _majority(result)
    if alone is not None and low < alone < high:
        label = f"commonest class alone ({with_unit(result.learned, alone)})"
        axes.axhline(alone, color=SOFT, linewidth=1.2, linestyle=(0, (1, 2)), zorder=2, label=label)
    _legend(figure, axes)
    figure.text(0.02, 0.012, textwrap.fill(_note(result, low, high), _NOTE_WIDTH), fontsize=8.5, color=SOFT)
    _label_baselines(figure, axes, result)


def _legend(figure: Figure, axes: Axes) -> None:
    """Draws the legend above the axes, in as many columns as fit."""
    for columns in (4, 3, 2, 1):
        legend = axes.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1.02),
            borderaxespad=0,
            borderpad=0,
            ncols=columns,
            fontsize=9,
            handlelength=1.6,
            handletextpad=0.5,
            columnspacing=1.6,
        )
        if legend.get_window_extent().width < 0.9 * figure.bbox.width:
            return


def _label_baselines(figure: Figure, axes: Axes, result: SearchResult) -> None:
    """Labels the baselines. This comes last, as positions in pixels are known only after the layout."""
    marked = baselines_of(result)
    figure.draw_without_rendering()
    transform = axes.transData

    def pixel(trial: Trial) -> tuple[float, float]:
        x, y = transform.transform((cost_of(result, trial), height_of(result, trial)))
        return float(x), float(y)

    anchors = [pixel(trial) for trial in marked]
    texts = [axes.text(0, 0, str(trial.baseline).replace(", ", "\n"), fontsize=8.5) for trial in marked]
    sizes = []
    for text in texts:
        extent = text.get_window_extent()
        sizes.append((extent.width, extent.height))
        text.remove()
    frame = axes.get_window_extent()
    pool = trained(result)
    line = [pixel(trial) for trial in front_line(result)]
    obstacles = [pixel(trial) for trial in (pool if len(pool) < 80 else [*members(result), *marked])] + _along(line)
    boxes = place_labels(anchors, sizes, obstacles, (frame.x0, frame.y0, frame.x1, frame.y1), scale=_DPI / 100)
    for trial, anchor, box in zip(marked, anchors, boxes, strict=True):
        beside = math.hypot(
            max(box[0] - anchor[0], anchor[0] - box[2], 0), max(box[1] - anchor[1], anchor[1] - box[3], 0)
        )
        leader = {"arrowstyle": "-", "color": SOFT, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 4}
        annotation = axes.annotate(
            str(trial.baseline).replace(", ", "\n"),
            xy=(cost_of(result, trial), height_of(result, trial)),
            xytext=((box[0] + box[2]) / 2, (box[1] + box[3]) / 2),
            textcoords="figure pixels",
            ha="center",
            va="center",
            fontsize=8.5,
            color=INK,
            zorder=7,
            path_effects=[withStroke(linewidth=3, foreground="white")],
            arrowprops=leader if beside > 20 * _DPI / 100 else None,
        )
        annotation.set_in_layout(False)


def _along(line: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points at every ten pixels along a step line through these corners."""
    points: list[tuple[float, float]] = []
    for (x, y), (next_x, next_y) in itertools.pairwise(line):
        points += [(x + step, y) for step in range(0, int(next_x - x), 10)]
        points += [(next_x, y + step) for step in range(0, int(next_y - y), 10)]
    return points


def _note(result: SearchResult, low: float, high: float) -> str:
    learned = result.learned
    hidden = sum(not low <= learned_value(result, trial).mean <= high for trial in trained(result))
    least = resolution(result)
    chosen = "Chosen on the validation split"
    parts = [f"{chosen} by expected {learned.words}." if result.observed else f"{chosen}."]
    if least is not None:
        parts.append(f"Differences below {difference(learned, least)} are not resolved.")
    alone = _majority(result)
    if alone is not None and alone <= low:
        parts.append(f"The commonest class alone gives {with_unit(learned, alone)}.")
    if hidden:
        parts.append(f"{hidden} network{'' if hidden == 1 else 's'} outside the picture.")
    return " ".join(parts)
