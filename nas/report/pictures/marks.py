"""The marks of the picture: networks, the front, baselines and the recommended network, each with its entry in the legend.

Whatever is drawn has an entry, and nothing has one that is not drawn; a test compares the two.
"""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from nas.records import Trial
from nas.report.findings.recommendation import recommendation
from nas.report.findings.statistics import (
    expected_value,
    front_line,
    learned_value,
    members,
    observed_line,
    standard_error,
    trained,
)
from nas.report.styles import looks
from nas.search.result import SearchResult

INK = "#1d2530"
SOFT = "#5d6776"
CLEAR = (0.0, 0.0, 0.0, 0.0)
TAKEN = "#12876a"
"""The color of the frame around the recommended network."""
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
"""The area of each shape relative to that of a circle that looks equally large."""


def cost_of(result: SearchResult, trial: Trial) -> float:
    """The cost at which a network is drawn."""
    return trial.values()[result.cost.name]


def height_of(result: SearchResult, trial: Trial) -> float:
    """The value at which a network is drawn: the expected one for members of the front, the measured one for others."""
    return expected_value(result, trial) if trial.number in result.front.trials else learned_value(result, trial).mean


def baselines_of(result: SearchResult) -> list[Trial]:
    """The trained baselines."""
    return [trial for trial in trained(result) if trial.baseline is not None]


def draw_marks(axes: Axes, result: SearchResult, right: float) -> None:
    """Draws all marks, and names them for the legend.

    Args:
        axes: Axes whose limits are set.
        result: The results of the search.
        right: Right end of the axis of cost.
    """
    _dots(axes, result)
    _observed(axes, result, right)
    _front(axes, result, right)
    _baselines(axes, result)
    _recommended(axes, result)


def _dots(axes: Axes, result: SearchResult) -> None:
    pool = [trial for trial in trained(result) if trial.baseline is None]
    many = len(pool)
    size = 46 if many < 60 else 30 if many < 400 else 14
    alpha = 0.55 if many < 400 else 0.35
    by_class = {trial.number: result.portrait(trial).kind for trial in pool}
    for name, style in looks(result.legend, by_class.values()).items():
        own = [trial for trial in pool if by_class[trial.number] == name]
        axes.scatter(
            [cost_of(result, trial) for trial in own],
            [learned_value(result, trial).mean for trial in own],
            s=size * _LARGER.get(style.shape, 1),
            marker=_MARKERS.get(style.shape, "o"),
            color=style.light,
            alpha=alpha,
            linewidths=0,
            label=f"{style.label} ({len(own)})",
            zorder=2,
        )


def _observed(axes: Axes, result: SearchResult, right: float) -> None:
    observed = observed_line(result)
    if not observed or not members(result):
        return
    heights = [learned_value(result, trial).mean for trial in observed]
    axes.plot(
        [*(cost_of(result, trial) for trial in observed), right],
        [*heights, heights[-1]],
        drawstyle="steps-post",
        color=SOFT,
        linewidth=1,
        linestyle=(0, (4, 3)),
        zorder=3,
        label="observed front (optimistic)",
    )


def _front(axes: Axes, result: SearchResult, right: float) -> None:
    front = members(result)
    if not front:
        return
    line = front_line(result)
    heights = [expected_value(result, trial) for trial in line]
    steps = [*(cost_of(result, trial) for trial in line), right]
    axes.plot(steps, [*heights, heights[-1]], drawstyle="steps-post", color=INK, linewidth=1.5, zorder=3)
    shift: Line2D | None = None
    for trial in front:
        measured, x, y = learned_value(result, trial), cost_of(result, trial), expected_value(result, trial)
        error = standard_error(measured)
        if measured.mean != y:
            (shift,) = axes.plot([x, x], [y, measured.mean], color=SOFT, linewidth=1, zorder=3)
        if error is not None:
            axes.errorbar(x, y, yerr=error, color=INK, linewidth=1, capsize=2.5, zorder=4)
    if shift is not None:
        shift.set_label("from expected to measured")
    colors = looks(result.legend, (result.portrait(trial).kind for trial in front))
    for trial in front:
        if trial.baseline is not None:
            continue
        style = colors[result.portrait(trial).kind]
        axes.scatter(
            cost_of(result, trial),
            expected_value(result, trial),
            s=62 * _LARGER.get(style.shape, 1),
            marker=_MARKERS.get(style.shape, "o"),
            color=style.light,
            edgecolors=INK,
            linewidths=1.4,
            zorder=5,
        )
    _name_front(axes, result)


def _name_front(axes: Axes, result: SearchResult) -> None:
    """Adds the front's entry to the legend, which shows a line with an outlined point."""
    name = "Pareto front" if len(result.objectives) < 3 else f"front of {len(result.objectives)} objectives"
    expected = ", expected" if result.observed is not None else ""
    known = any(standard_error(learned_value(result, trial)) is not None for trial in members(result))
    label = f"{name} (outlined){expected}{' ± standard error' if known else ''}"
    axes.plot([], [], color=INK, linewidth=1.5, marker="o", markerfacecolor="white", markeredgecolor=INK, label=label)


def _baselines(axes: Axes, result: SearchResult) -> None:
    """Draws the baselines as diamonds, which are white unless the baseline is on the front."""
    marked = baselines_of(result)
    on_front = set(result.front.trials)
    colors = looks(result.legend, (result.portrait(trial).kind for trial in marked))
    fills = [colors[result.portrait(t).kind].light if t.number in on_front else "white" for t in marked]
    for fill in sorted(set(fills), key=lambda one: (one != "white", one)):
        own = [trial for trial, one in zip(marked, fills, strict=True) if one == fill]
        axes.scatter(
            [cost_of(result, trial) for trial in own],
            [height_of(result, trial) for trial in own],
            s=60,
            marker="D",
            c=fill,
            edgecolors=INK,
            linewidths=1.4,
            zorder=6,
            label="unchanged, settings not searched" if fill == "white" else "unchanged, on the front",
        )


def _recommended(axes: Axes, result: SearchResult) -> None:
    """Draws a frame around the recommended network."""
    found = recommendation(result)
    if found is None:
        return
    trial = next(one for one in members(result) if one.number == found.trial)
    look: Any = {"marker": "s", "facecolors": CLEAR, "edgecolors": TAKEN, "linewidths": 1.8}
    axes.scatter(cost_of(result, trial), height_of(result, trial), s=230, zorder=7, **look)
    # The legend has a smaller one.
    axes.scatter([], [], s=70, label=f"recommended: trial {found.trial}", **look)
