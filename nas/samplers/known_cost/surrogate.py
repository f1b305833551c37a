"""A model of what untrained candidates would reach, and of what they would add to the front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nas.models.encoding import Encoding
from nas.models.gaussian_process import GaussianProcess, Hyperparameters
from nas.models.milestones import milestone
from nas.models.squash import Squash
from nas.samplers.known_cost.axes import Axes, Costs
from nas.samplers.known_cost.domain import Domain
from nas.samplers.known_cost.improvement import Staircase
from nas.samplers.known_cost.observations import Observations, Proposed

Array = NDArray[np.float64]
Positions = NDArray[np.int64]
Genotype = Mapping[str, Any]

MODEL_POINTS = 400
"""Most observations that a model is fitted to, since predictions take time with their square."""
NEAR_FRONT = 0.7
"""Share of these observations that are the nearest to the front; the others are spread over the study."""
FIT_POINTS = 200
"""Most observations that length scales are fitted to."""
REFIT = 1.1
"""Length scales are fitted again when the number of observations has grown by this factor."""
REFERENCE_POINTS = 10
"""The median accuracy of the first so many observations is the reference, below which nothing counts. It is fixed early, so
that the target does not move.
"""
DOUBTS = (0.0, 0.1)
"""Shares of a value's distance below the front that count as its uncertainty, since what a bad candidate shows is no measure of
the small differences among good ones. Proposals take turns between them: with doubt a model resolves fine differences,
without it the whole range, so that an overconfident model does not decide alone.
"""
PARENTS = 12
"""Number of trained candidates nearest to the front, beside its members, from which new ones are made."""


@dataclass(frozen=True, slots=True)
class Points:
    """Candidates with a value of one objective, turned so that higher accuracies and lower costs are better."""

    candidates: tuple[Proposed, ...]
    values: Array
    variances: Array

    def __len__(self) -> int:
        return len(self.values)

    def take(self, positions: Positions) -> Points:
        """The points at these positions."""
        chosen = positions
        return Points(tuple(self.candidates[k] for k in chosen), self.values[chosen], self.variances[chosen])

    def joined(self, candidates: tuple[Proposed, ...], values: Array, variances: Array) -> Points:
        """These points and others."""
        return Points(
            (*self.candidates, *candidates),
            np.concatenate((self.values, values)),
            np.concatenate((self.variances, variances)),
        )


class Surrogate:
    """What candidates are expected to reach, given some observations, and what they would add to the front.

    Args:
        features: Joins the features of candidates' decisions with their known costs.
        accuracy: Posterior of the learned objective.
        others: Posteriors of further learned objectives (lower is better), whose draws are treated as costs.
        trained: Candidates whose front is the basis of gains.
        reference: Accuracy below which nothing counts.
        cost_references: Known costs above which nothing counts.
    """

    def __init__(
        self,
        features: Features,
        accuracy: GaussianProcess,
        others: Sequence[GaussianProcess],
        trained: Sequence[Proposed],
        reference: float,
        cost_references: Array,
    ) -> None:
        self._features = features
        self._accuracy = accuracy
        self._others = others
        rows, costs = features.of(trained), features.costs_of(trained)
        # Under noise, the expectation for a trained candidate is more accurate than its observed value.
        means = accuracy.mean(rows)
        expected = [process.mean(rows) for process in others]
        costs = np.column_stack((costs, *expected))
        references = np.append(cost_references, [values.max() for values in expected])
        self._staircase = Staircase.of(means, costs, reference, references)
        depth = self._staircase.depth(means, costs)
        order = np.argsort(depth, kind="stable")[: int((depth <= 0).sum()) + PARENTS]
        self.parents = [trained[k].genotype for k in order]
        """Genotypes of the candidates on the front and nearest to it."""

    def expected_gain(self, decisions: Array, costs: Array, rng: np.random.Generator) -> Array:
        """Expected gain in hypervolume: features of the decisions and known costs, `float[m f], float[m k] -> float[m]`."""
        rows = self._features.join(decisions, costs)
        means, deviations = self._accuracy.predict(rows)
        return self._staircase.expected(means, deviations, self._with_others(rows, costs, rng))

    def sampled_gains(self, decisions: Array, costs: Array, count: int, rng: np.random.Generator) -> Array:
        """Gains in hypervolume if the accuracies were draws from the posterior: `-> float[count m]`."""
        rows = self._features.join(decisions, costs)
        costs = self._with_others(rows, costs, rng)
        draws = self._accuracy.sample(rows, count, rng)
        return np.array([self._staircase.gain(each, costs) for each in draws])

    def _with_others(self, rows: Array, costs: Array, rng: np.random.Generator) -> Array:
        return np.column_stack((costs, *(process.sample(rows, 1, rng)[0] for process in self._others)))


class Features:
    """Candidates as rows of numbers: their decisions, and their known costs, since networks of equal cost are alike.

    Args:
        domain: Decisions of the space.
        costs: Known costs of candidates.
        low: Smallest known costs, `float[k]`.
        high: Largest known costs, `float[k]`.
    """

    def __init__(self, domain: Domain, costs: Costs, low: Array, high: Array) -> None:
        self.encode = Encoding(domain.distributions, domain.active)
        self._costs = costs
        self._low, self._width = low, np.maximum(high - low, 1e-12)
        first = int(self.encode.decisions.max(initial=-1)) + 1
        self.groups = np.concatenate((self.encode.decisions, np.arange(first, first + len(low))))
        """For each feature, the number of the decision that it belongs to; each known cost counts as one more decision."""
        self._rows: dict[int, Array] = {}
        self._cost_rows: dict[int, Array] = {}

    def join(self, decisions: Array, costs: Array) -> Array:
        """Features of decisions and of costs in one row: `float[m f], float[m k] -> float[m f+k]`."""
        return np.hstack((decisions, (costs - self._low) / self._width))

    def of(self, candidates: Sequence[Proposed]) -> Array:
        """Features of trials' candidates, each computed once."""
        for each in candidates:
            if each.number not in self._rows:
                self._costs.forget(each.key)
                self._cost_rows[each.number] = np.array(self._costs.scaled(each.genotype, each.key))
                self._rows[each.number] = self.join(self.encode([each.genotype]), self._cost_rows[each.number][None])[0]
        return np.array([self._rows[each.number] for each in candidates])

    def costs_of(self, candidates: Sequence[Proposed]) -> Array:
        """Known costs of candidates whose features were asked for before, `float[n k]`."""
        return np.array([self._cost_rows[each.number] for each in candidates])


@dataclass(frozen=True, slots=True)
class _Ended:
    """The observations of the trials that have ended."""

    accuracy: GaussianProcess
    others: tuple[GaussianProcess, ...]
    trained: tuple[Proposed, ...]
    reference: float


class SurrogateFitter:
    """Fits surrogates to one study, and keeps the length scales from one fit to the next.

    Args:
        domain: Decisions of the space.
        axes: The objectives.
        costs: Known costs of candidates.
        pool: Candidates that show the range of the costs.
    """

    def __init__(self, domain: Domain, axes: Axes, costs: Costs, pool: Sequence[Genotype]) -> None:
        self._axes = axes
        known = costs.table(pool)
        self._cost_references = known.max(0)
        self.features = Features(domain, costs, known.min(0), known.max(0))
        self._fitted: dict[tuple[int, float], tuple[int, Hyperparameters]] = {}
        self._ended: dict[float, _Ended] = {}
        self._ended_at = -1

    def fit(self, observations: Observations, *, kriging_believer: bool) -> Surrogate:
        """The surrogate after some observations. As a kriging believer, it takes running candidates to turn out as expected."""
        ended = self._after_ended(observations)
        accuracy, trained = ended.accuracy, ended.trained
        if kriging_believer and observations.running:
            running = [observations.running[number] for number in sorted(observations.running)]
            accuracy = accuracy.as_expected_at(self.features.of(running))
            trained = (*trained, *running)
        return Surrogate(self.features, accuracy, ended.others, trained, ended.reference, self._cost_references)

    def _after_ended(self, observations: Observations) -> _Ended:
        """The observations of the ended trials, computed once for all proposals until the next trial ends."""
        doubt = DOUBTS[len(observations.seen) % len(DOUBTS)]
        if self._ended_at != observations.ended:
            self._ended_at, self._ended = observations.ended, {}
        if doubt not in self._ended:
            self._ended[doubt] = self._learn(observations, doubt)
        return self._ended[doubt]

    def _learn(self, observations: Observations, doubt: float) -> _Ended:
        learned = self._axes.learned
        complete = self._complete(observations, learned)
        reference = float(np.median(complete.values[:REFERENCE_POINTS]))
        points = self._with_incomplete(complete, observations)
        judged, depth = self._judged(points, reference, doubt)
        kept = judged.take(_subset(depth))
        base = points.take(np.arange(milestone(len(complete), REFIT)))
        accuracy = self._process((learned, doubt), self._judged(base, reference, doubt)[0], kept)
        complete_ones = set(observations.complete)
        trained = tuple(candidate for candidate in kept.candidates if candidate.number in complete_ones)
        others = []
        for axis in self._axes.sampled:
            points = self._complete(observations, axis)
            base = points.take(np.arange(milestone(len(points), REFIT)))
            others.append(self._process((axis, 0.0), base, points.take(_spread(len(points), MODEL_POINTS))))
        return _Ended(accuracy, tuple(others), trained, reference)

    def _complete(self, observations: Observations, axis: int) -> Points:
        chosen = [observations.complete[number] for number in sorted(observations.complete)]
        values = np.array([values[axis] for _, values in chosen]) * self._axes.signs[axis]
        return Points(tuple(candidate for candidate, _ in chosen), values, np.zeros(len(chosen)))

    def _with_incomplete(self, complete: Points, observations: Observations) -> Points:
        """The points with failed trials, which count as the worst value, and stopped ones, which count as their expected end."""
        failed = tuple(observations.failed[number] for number in sorted(observations.failed))
        points = complete.joined(failed, np.full(len(failed), complete.values.min()), np.zeros(len(failed)))
        stopped = observations.stopped(self._axes.learned)
        guesses = np.array([value for _, value, _ in stopped]) * self._axes.signs[self._axes.learned]
        variances = np.array([variance for *_, variance in stopped])
        return points.joined(tuple(candidate for candidate, *_ in stopped), guesses, variances)

    def _process(self, key: tuple[int, float], base: Points, kept: Points) -> GaussianProcess:
        """The posterior given the kept points. Length scales are fitted to the base, which is renewed when it has grown enough."""
        if self._fitted.get(key, (0, None))[0] != len(base):
            some = base.take(_spread(len(base), FIT_POINTS))
            fitted = GaussianProcess(
                self.features.of(some.candidates), self.features.groups, some.values, some.variances
            )
            self._fitted[key] = len(base), fitted.hyperparameters
        rows = self.features.of(kept.candidates)
        return GaussianProcess(rows, self.features.groups, kept.values, kept.variances, self._fitted[key][1])

    def _judged(self, points: Points, reference: float, doubt: float) -> tuple[Points, Array]:
        """The points with their low tail compressed and with doubts by depth below the front, and the depths themselves."""
        values = Squash.of(points.values, reference).squashed(points.values)
        self.features.of(points.candidates)
        costs = self.features.costs_of(points.candidates)
        depth = Staircase.of(values, costs, reference, self._cost_references).depth(values, costs)
        variances = points.variances + np.square(doubt * np.maximum(depth, 0.0))
        return replace(points, values=values, variances=variances), depth


def _subset(depth: Array) -> Positions:
    """The observations that a model is fitted to: all, or those nearest to the front and a selection of the others."""
    if len(depth) <= MODEL_POINTS:
        return np.arange(len(depth))
    order = np.argsort(depth, kind="stable")
    near, rest = np.split(order, [int(NEAR_FRONT * MODEL_POINTS)])
    return np.sort(np.concatenate((near, np.sort(rest)[_spread(len(rest), MODEL_POINTS - len(near))])))


def _spread(count: int, most: int) -> Positions:
    """At most so many positions out of `count`, evenly spaced, including the first and the last."""
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).round().astype(np.int64)
