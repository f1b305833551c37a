"""Which network of a front to take, by a rule that is fixed before anybody looks at the front.

The *knee* of a front is the member furthest above the straight line between its two ends, with the learned objective and the
cost on their scales (log10 of the cost where `Objective.log`): beyond it more cost buys less than on the average of the
front, and before it a little cost buys much. If the images cannot tell the members apart, their order is chance, and the
cheapest of them is recommended.

Sources: Das, "On characterizing the 'knee' of the Pareto curve based on normal-boundary intersection" (1999); Branke et al.,
"Finding knees in multi-objective optimization" (2004).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from nas.objectives import Form
from nas.records import Trial
from nas.report.findings.doubts import only_guesses
from nas.report.findings.statistics import expected_value, front_line, learned_value, resolution, standard_error
from nas.search.result import SearchResult

NORMAL_95 = 1.96
"""Half the width of a 95 % interval in standard errors."""
LEAST_HEIGHT = 1e-9
"""A member is above the line between the ends if it is so by more than this share of the range; less is rounding."""


class Rule(StrEnum):
    """The rule by which a network is recommended."""

    ONLY = "only"
    """There is no other."""
    UNRESOLVED = "unresolved"
    """The images cannot tell any two members apart: the cheapest."""
    KNEE = "knee"
    """The member furthest above the line between the ends."""
    BEST = "best"
    """No member lies above that line, so that the front has no knee: the best one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """The network to take, and its neighbours on the front."""

    trial: int
    rule: Rule
    interval: tuple[float, float] | None
    """The 95 % interval of its expected value for other images of the same kind; None where no standard error is known."""
    cheaper: int | None
    """The next cheaper member; None if it is the cheapest."""
    better: int | None
    """The next better member, which costs more; None if it is the best."""


def recommendation(result: SearchResult) -> Recommendation | None:
    """The network to take; None if there is no network that is better than guessing and can be loaded.

    Members of the front that only guess, or whose weights are gone, are left out, and so are those that are on the front for an
    objective that pictures do not show.
    """
    line = eligible(result)
    if not line:
        return None
    place, rule = _chosen(result, line)
    trial = line[place]
    return Recommendation(
        trial=trial.number,
        rule=rule,
        interval=interval(result, trial),
        cheaper=line[place - 1].number if place > 0 else None,
        better=line[place + 1].number if place + 1 < len(line) else None,
    )


def eligible(result: SearchResult) -> list[Trial]:
    """The members of the front that can be recommended, cheapest first; each is expected to be better than the one before."""
    return [
        trial
        for trial in front_line(result)
        if trial.number not in result.weightless and not only_guesses(result, trial)
    ]


def interval(result: SearchResult, trial: Trial) -> tuple[float, float] | None:
    """The 95 % interval of the expected value of a network, from the number of validation images alone.

    A percentage stays between 0 and 100.
    """
    error = standard_error(learned_value(result, trial))
    if error is None:
        return None
    middle = expected_value(result, trial)
    low, high = middle - NORMAL_95 * error, middle + NORMAL_95 * error
    return (max(low, 0.0), min(high, 100.0)) if result.learned.form is Form.PERCENT else (low, high)


def _chosen(result: SearchResult, line: Sequence[Trial]) -> tuple[int, Rule]:
    """The place on the line of the network to take, and the rule."""
    if len(line) == 1:
        return 0, Rule.ONLY
    least = resolution(result)
    values = [expected_value(result, trial) for trial in line]
    if least is not None and max(values) - min(values) <= least:
        return 0, Rule.UNRESOLVED
    heights = heights_above_ends(
        [result.cost.loss(trial.values()[result.cost.name]) for trial in line],
        [result.learned.score(value) for value in values],
    )
    place = max(range(len(line)), key=heights.__getitem__)
    return (place, Rule.KNEE) if heights[place] > LEAST_HEIGHT else (len(line) - 1, Rule.BEST)


def heights_above_ends(costs: Sequence[float], scores: Sequence[float]) -> list[float]:
    """How far each point lies above the straight line between the first and the last one, as a share of the range of scores.

    The distance that is perpendicular to the line, after both ranges are scaled to 1, is this height times the square root of a
    half; so both have their largest value at the same point.

    Args:
        costs: Costs on their scale, ascending.
        scores: Scores on their scale, higher is better, ascending.
    """
    width, rise = costs[-1] - costs[0], scores[-1] - scores[0]
    if width <= 0 or rise <= 0:
        return [0.0 for _ in costs]
    return [(score - scores[0]) / rise - (cost - costs[0]) / width for cost, score in zip(costs, scores, strict=True)]
