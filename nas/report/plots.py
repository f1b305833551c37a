"""The front as a picture."""

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

from nas.records import Trial
from nas.report.images import is_uneven, majority
from nas.report.labels import place_labels
from nas.report.quantities import log_ticks, tick
from nas.report.readings import (
    accuracy_of,
    cost_name,
    expected_accuracy,
    front_line,
    members,
    observed_line,
    resolution,
    standard_error,
    trained,
)
from nas.report.styles import looks
from nas.report.words import cost_label, subtitle, title
from nas.result import SearchResult

INK = "#1d2530"
SOFT = "#5d6776"
GRID = "#e8eaee"
_DPI = 170
_NOTE_WIDTH = 130
"""Characters of a line of the note below the axes."""
_MARKERS = {
    "circle": "o",
    "square": "s",
    "triangle-up": "^",
    "triangle-down": "v",
    "pentagon": "p",
    "hexagon": "h",
    "cross": "P",
    "star": "*",
}
_LARGER = {"star": 2.2, "triangle-up": 1.2, "triangle-down": 1.2, "cross": 1.2}
"""Times the area of a circle that looks as large."""
_STYLE: Any = {
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
    """Accuracy against cost of all trained networks, with the front and the baselines, as a PNG."""
    with mpl.rc_context(_STYLE):
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
        stream = io.BytesIO()
        figure.savefig(stream, format="png", metadata={"Software": None})
        return stream.getvalue()


def accuracy_limits(result: SearchResult) -> tuple[float, float]:
    """Ends of the accuracy axis: all of the front and the baselines, but not the worst twentieth of the rest.

    Where classes are uneven, also what the commonest one alone gives.
    """
    pool = trained(result)
    values = sorted(accuracy_of(trial).mean for trial in pool)
    kept = [(accuracy_of(trial).mean, accuracy_of(trial)) for trial in _marked(result)]
    kept += [(expected_accuracy(result, trial), accuracy_of(trial)) for trial in members(result)]
    low = min([values[len(values) // 20], *(height - (standard_error(m) or 0) for height, m in kept)])
    high = max([values[-1], *(height + (standard_error(m) or 0) for height, m in kept)])
    alone = majority(result.data)
    if alone is not None and is_uneven(result.data):
        low, high = min(low, alone), max(high, alone)
    room = 0.06 * max(high - low, 1.0)
    return low - room, high + room


def _draw(figure: Figure, axes: Axes, result: SearchResult) -> None:
    pool, cost = trained(result), cost_name(result)
    costs = [trial.values()[cost] for trial in pool]
    low, high = accuracy_limits(result)
    span = max(costs) / min(costs)
    room = max(span**0.05, math.sqrt(1.6 / span))
    left, right = min(costs) / room, max(costs) * room**3  # to the right there is to be space for a name
    axes.set(xscale="log", xlim=(left, right), ylim=(low, high))
    axes.xaxis.set_major_locator(FixedLocator(log_ticks(left, right)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(float(f"{value:.6g}"))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(f"{cost_label(cost)}, logarithmic", labelpad=8)
    axes.set_ylabel("Validation accuracy (%)", labelpad=8)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    _dots(axes, result, cost)
    _front(axes, result, cost, right)
    _baselines(axes, result, cost)
    alone = majority(result.data)
    if alone is not None and low < alone < high:
        label = f"commonest class alone ({alone:.1f} %)"
        axes.axhline(alone, color=SOFT, linewidth=1.2, linestyle=(0, (1, 2)), zorder=2, label=label)
    _legend(figure, axes)
    figure.text(0.02, 0.012, textwrap.fill(_note(result, low), _NOTE_WIDTH), fontsize=8.5, color=SOFT)
    _label_baselines(figure, axes, result, cost)


def _legend(figure: Figure, axes: Axes) -> None:
    """Above the axes, in as many columns as there is room for."""
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


def _dots(axes: Axes, result: SearchResult, cost: str) -> None:
    pool = trained(result)
    size = 46 if len(pool) < 60 else 30 if len(pool) < 400 else 14
    alpha = 0.55 if len(pool) < 400 else 0.35
    by_class = {trial.number: result.portrait(trial).kind for trial in pool}
    for name, style in looks(result.legend, by_class.values()).items():
        own = [trial for trial in pool if by_class[trial.number] == name]
        axes.scatter(
            [trial.values()[cost] for trial in own],
            [accuracy_of(trial).mean for trial in own],
            s=size * _LARGER.get(style.shape, 1),
            marker=_MARKERS[style.shape],
            color=style.light,
            alpha=alpha,
            linewidths=0,
            label=f"{style.label} ({len(own)})",
            zorder=2,
        )


def _front(axes: Axes, result: SearchResult, cost: str, right: float) -> None:
    front = members(result)
    if not front:
        return
    if observed := observed_line(result):
        heights = [accuracy_of(trial).mean for trial in observed]
        axes.plot(
            [*(trial.values()[cost] for trial in observed), right],
            [*heights, heights[-1]],
            drawstyle="steps-post",
            color=SOFT,
            linewidth=1,
            linestyle=(0, (4, 3)),
            zorder=3,
            label="observed front (optimistic)",
        )
    line = front_line(result)
    steps = [trial.values()[cost] for trial in line]
    heights = [expected_accuracy(result, trial) for trial in line]
    axes.plot([*steps, right], [*heights, heights[-1]], drawstyle="steps-post", color=INK, linewidth=1.5, zorder=3)
    colors = looks(result.legend, (result.portrait(trial).kind for trial in front))
    for trial in front:
        accuracy = accuracy_of(trial)
        x, y = trial.values()[cost], expected_accuracy(result, trial)
        error = standard_error(accuracy)
        axes.plot([x, x], [y, accuracy.mean], color=SOFT, linewidth=1, zorder=3)
        if error is not None:
            axes.errorbar(x, y, yerr=error, color=INK, linewidth=1, capsize=2.5, zorder=4)
        style = colors[result.portrait(trial).kind]
        axes.scatter(
            x,
            y,
            s=62 * _LARGER.get(style.shape, 1),
            marker=_MARKERS[style.shape],
            color=style.light,
            edgecolors=INK,
            linewidths=1.4,
            zorder=5,
        )
    name = "Pareto front" if len(result.objectives) < 3 else f"front of {len(result.objectives)} objectives"
    label = f"{name}, expected ± standard error" if observed else f"{name} ± standard error"
    axes.plot([], [], color=INK, linewidth=1.5, marker="o", markerfacecolor="white", label=label)


def _baselines(axes: Axes, result: SearchResult, cost: str) -> None:
    """Diamonds; white unless the baseline is on the front."""
    marked = _marked(result)
    if not marked:
        return
    colors = looks(result.legend, (result.portrait(trial).kind for trial in marked))
    on_front = set(result.front.trials)
    axes.scatter(
        [trial.values()[cost] for trial in marked],
        [_height(result, trial) for trial in marked],
        s=60,
        marker="D",
        c=[colors[result.portrait(t).kind].light if t.number in on_front else "white" for t in marked],
        edgecolors=INK,
        linewidths=1.4,
        zorder=6,
    )
    axes.scatter([], [], s=60, marker="D", c="white", edgecolors=INK, linewidths=1.4, label="unchanged network")


def _label_baselines(figure: Figure, axes: Axes, result: SearchResult, cost: str) -> None:
    """Names the baselines; done last, as positions in pixels are known only after the layout."""
    marked = _marked(result)
    figure.draw_without_rendering()
    transform = axes.transData

    def pixel(trial: Trial) -> tuple[float, float]:
        x, y = transform.transform((trial.values()[cost], _height(result, trial)))
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
            xy=(trial.values()[cost], _height(result, trial)),
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
    """Points every ten pixels of a step line through these corners."""
    points: list[tuple[float, float]] = []
    for (x, y), (next_x, next_y) in itertools.pairwise(line):
        points += [(x + step, y) for step in range(0, int(next_x - x), 10)]
        points += [(next_x, y + step) for step in range(0, int(next_y - y), 10)]
    return points


def _height(result: SearchResult, trial: Trial) -> float:
    """Where a network is drawn: members of the front at the accuracy that is expected, the others at what was measured."""
    return expected_accuracy(result, trial) if trial.number in result.front.trials else accuracy_of(trial).mean


def _marked(result: SearchResult) -> list[Trial]:
    return [trial for trial in trained(result) if trial.baseline is not None]


def _note(result: SearchResult, low: float) -> str:
    hidden = sum(accuracy_of(trial).mean < low for trial in trained(result))
    least = resolution(result)
    chosen = "Chosen on the validation split"
    parts = [
        f"{chosen} by expected accuracy; thin lines lead to what was measured." if result.observed else f"{chosen}."
    ]
    if least is not None:
        parts.append(f"Differences below {least:.1f} points are not resolved.")
    alone = majority(result.data)
    if alone is not None and alone <= low:
        parts.append(f"The commonest class alone gives {alone:.1f} %.")
    if hidden:
        parts.append(f"{hidden} network{'' if hidden == 1 else 's'} below the picture.")
    return " ".join(parts)
