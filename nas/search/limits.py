"""Limits on costs: whether a network meets them, and whether any network of a space can, checked before the search begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from nas.dimensions import Choice, Dimension, FloatRange, Genotype, Scalar
from nas.errors import SettingsError
from nas.objectives import Objective, amount
from nas.search.problem import SearchProblem

DRAWS = 16


def violations(
    limits: Mapping[str, float], costs: Mapping[str, float], quantities: Iterable[Objective] = ()
) -> tuple[str, ...]:
    """In words, the limits that the costs exceed."""
    known = tuple(quantities)
    return tuple(
        f"{name} {amount(name, costs[name], known)} is over the limit {amount(name, limit, known)}"
        for name, limit in limits.items()
        if costs.get(name, 0.0) > limit
    )


def check_limits(problem: SearchProblem) -> None:
    """Looks for a candidate within all limits: first baselines, then random ones, then descent by one decision at a time.

    Raises:
        SettingsError: No candidate was found; the message gives the smallest costs that were.
    """
    if not problem.limits:
        return
    rng = np.random.default_rng(problem.seed)
    starts: list[Genotype] = [*problem.space.baselines().values(), *(problem.draw(rng) for _ in range(DRAWS))]
    best = min(starts, key=lambda genotype: _excess(problem, genotype))
    improved = True
    while improved and _excess(problem, best) > 1.0:
        improved = False
        for dimension in problem.space.dimensions:
            options = [{**best, dimension.name: value} for value in _options(dimension)]
            better = min(options, key=lambda genotype: _excess(problem, genotype), default=best)
            if _excess(problem, better) < _excess(problem, best):
                best, improved = better, True
    if _excess(problem, best) > 1.0:
        costs = {name: problem.cost(best, name) for name in problem.limits}
        known = problem.quantities
        wanted = ", ".join(f"{name} {amount(name, limit, known)}" for name, limit in problem.limits.items())
        found = ", ".join(f"{name} {amount(name, costs[name], known)}" for name in problem.limits)
        raise SettingsError(
            f"--search.limits {wanted}: no network of {problem.space.name} meets this; the smallest found has {found}"
        )


def _excess(problem: SearchProblem, genotype: Genotype) -> float:
    return max(problem.cost(genotype, name) / limit for name, limit in problem.limits.items())


def _options(dimension: Dimension) -> tuple[Scalar, ...]:
    if isinstance(dimension, Choice):
        return dimension.choices
    if isinstance(dimension, FloatRange):
        return ()
    return (dimension.low, dimension.high)
