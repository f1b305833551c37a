"""The front of a search, from the values of its candidates."""

from __future__ import annotations

from collections.abc import Mapping

from nas.objectives import Objective, compared_cost, losses, reference_losses
from nas.pareto import ParetoFront, Point, dominates, hypervolume, non_dominated

Values = Mapping[str, float]


def front_of(objectives: tuple[Objective, ...], candidates: Mapping[int, Values]) -> ParetoFront:
    """The front of candidates that no other candidate dominates, cheapest first.

    Args:
        objectives: Axes of the front.
        candidates: For each trial number the values by objective name.
    """
    numbers = list(candidates)
    points = [losses(objectives, candidates[number]) for number in numbers]
    members = [numbers[position] for position in non_dominated(points)]
    cost = compared_cost(objectives)
    members.sort(key=lambda number: (cost.loss(candidates[number][cost.name]), number))
    return ParetoFront(
        trials=tuple(members),
        values=tuple(tuple(candidates[number][objective.name] for objective in objectives) for number in members),
        objectives=tuple(objective.name for objective in objectives),
        hypervolume=hypervolume(points, reference_losses(objectives)),
    )


class GrowingFront:
    """The front of candidates that arrive one after the other. Adding one takes a comparison with each member.

    Args:
        objectives: Axes of the front.
    """

    def __init__(self, objectives: tuple[Objective, ...]) -> None:
        self._objectives = objectives
        self._members: dict[int, Values] = {}
        self._points: dict[int, Point] = {}
        self._front: ParetoFront | None = None

    def add(self, number: int, values: Values) -> None:
        """Adds a candidate, which enters the front if no member dominates it."""
        point = losses(self._objectives, values)
        if any(dominates(other, point) or other == point for other in self._points.values()):
            return
        beaten = [other for other, loss in self._points.items() if dominates(point, loss)]
        for other in beaten:
            del self._points[other], self._members[other]
        self._points[number], self._members[number] = point, values
        self._front = None

    @property
    def front(self) -> ParetoFront:
        """The current front."""
        if self._front is None:
            self._front = front_of(self._objectives, self._members)
        return self._front
