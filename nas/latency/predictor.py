"""Predicts the latency of candidates that were not measured from about a hundred that were, on one device and in one form.

The logarithm of the latency is modelled as linear in the logarithms of the known costs and in counts of operations: each
number that every candidate decides in a part of the network (such as the units of a stage) counts for each name that is
decided there (such as its mixer). An operation takes some time however little it multiplies, so that costs alone rank
networks badly at one image per batch.

Measured (`benchmarks/latency_prediction.py`): 120 ShuffleNetV2 of 24 to 64 channels with 2 to 8 units a stage, 32x32, eager, one
thread of an AMD EPYC, as the process's own time, the lesser of two measurements: other work kept that machine busy, and two
measurements of a network differed by 16% (median; batch 16) and 23% (batch 1), by the wall clock 39% and 49%. Median relative
errors in ten-fold cross-validation, and rank correlations:

    features                   model             batch 16       batch 1
    costs                      Bayesian ridge    26%  0.71      23%  0.37
    every decision and costs   Bayesian ridge    15%  0.90      16%  0.71
    every decision and costs   Gaussian process  13%  0.92      15%  0.75
    every decision and costs   random forest     12%  0.92      13%  0.81
    counts and costs           Bayesian ridge    10%  0.95      13%  0.84
    counts and costs           Gaussian process  10%  0.95      12%  0.82
    counts and costs           random forest     11%  0.93      13%  0.81

So noise is most of what is left. The ridge ranks as well as any, has a closed form, and goes on beyond the latencies it has seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.linear_model import BayesianRidge
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from nas.dimensions import Scalar
from nas.errors import MeasurementError
from nas.latency.measurement import LEAST_NETWORKS, Conditions, Latency

Array = NDArray[np.float64]
Architecture = Mapping[str, Scalar]

ENOUGH = 100
"""More measurements than this are hardly worth their time."""
FOLDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A network whose latency was measured."""

    architecture: Architecture
    """The `architecture` of the candidate; how it was trained does not change its latency."""
    costs: Mapping[str, float]
    """Known costs by name, such as macs and params; all are above 0."""
    latency: Latency


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionError:
    """The error of predictions on measurements that the predictor had not seen, by cross-validation."""

    median: float
    """Median of the relative errors |predicted / measured - 1|."""
    ninetieth: float
    """Ninetieth percentile of the relative errors."""
    rank_correlation: float
    """Spearman's rank correlation of predictions and measurements, from -1 to 1; 0 if all predictions are equal."""
    measurements: int

    def __str__(self) -> str:
        few = "" if self.measurements >= ENOUGH else f"; too few, {ENOUGH} are wanted"
        return (
            f"latencies are predicted with a median error of {self.median:.1%} (nine in ten within {self.ninetieth:.1%}, rank "
            f"correlation {self.rank_correlation:.2f}; {FOLDS}-fold cross-validation on {self.measurements} measurements{few})"
        )


class LatencyPredictor:
    """A predictor of latencies, fitted to measurements under equal conditions.

    Args:
        measured: Measurements of at least `LEAST_NETWORKS` different networks.

    Raises:
        MeasurementError: The measurements are too few, under different conditions, or with different costs.
    """

    def __init__(self, measured: Sequence[Measured]) -> None:
        _check(measured)
        self.conditions: Conditions = measured[0].latency.conditions
        """The conditions under which the predictions hold."""
        self._features = _Features(measured)
        rows = self._features([each.architecture for each in measured], [each.costs for each in measured])
        seconds = np.array([each.latency.median for each in measured])
        self.error = _cross_validated(rows, seconds)
        """How far predictions are from measurements, by cross-validation."""
        self._model = _fitted(rows, seconds)

    def __call__(self, architectures: Sequence[Architecture], costs: Sequence[Mapping[str, float]]) -> Array:
        """Expected latencies in seconds, `float[n]`.

        Args:
            architectures: Architectures of n candidates. A name that no measured network has is not counted.
            costs: Known costs of the same candidates, by name.
        """
        rows = self._features(architectures, costs)
        return np.asarray(np.exp(self._model.predict(rows)) if len(rows) else np.empty(0))


class _Features:
    """The features of the predictor: counts of operations, and logarithms of costs.

    Args:
        measured: Networks from which the parts, their numbers and their names are taken.
    """

    def __init__(self, measured: Sequence[Measured]) -> None:
        everywhere = [
            key for key in measured[0].architecture if all(each.architecture.get(key) is not None for each in measured)
        ]
        self._costs = sorted(measured[0].costs)
        self._counts: list[tuple[str | None, str | None, Scalar]] = []
        for part in dict.fromkeys(key.rpartition(".")[0] for key in everywhere):
            keys = [key for key in everywhere if key.rpartition(".")[0] == part]
            numbers = [key for key in keys if all(_is_number(each.architecture[key]) for each in measured)]
            names = [
                (key, value)
                for key in keys
                if key not in numbers
                for value in sorted({each.architecture[key] for each in measured}, key=repr)
            ]
            factors: list[str | None] = [*numbers] or [None]
            chosen: list[tuple[str | None, Scalar]] = [*names] or [(None, None)]
            self._counts += [(number, name, value) for number in factors for name, value in chosen]

    def __call__(self, architectures: Sequence[Architecture], costs: Sequence[Mapping[str, float]]) -> Array:
        """The features of n candidates, `float[n f]`."""
        return np.array(
            [
                [self._count(architecture, *count) for count in self._counts]
                + [float(np.log(cost[name])) for name in self._costs]
                for architecture, cost in zip(architectures, costs, strict=True)
            ]
        ).reshape(len(architectures), len(self._counts) + len(self._costs))

    def _count(self, architecture: Architecture, number: str | None, name: str | None, value: Scalar) -> float:
        if name is not None and architecture.get(name) != value:
            return 0.0
        count = 1.0 if number is None else architecture.get(number)
        return float(count) if isinstance(count, int | float) else 0.0


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fitted(rows: Array, seconds: Array) -> Pipeline:
    return make_pipeline(StandardScaler(), BayesianRidge()).fit(rows, np.log(seconds))


def _cross_validated(rows: Array, seconds: Array) -> PredictionError:
    predicted = np.empty_like(seconds)
    for train, test in KFold(FOLDS, shuffle=True, random_state=0).split(rows):
        predicted[test] = np.exp(_fitted(rows[train], seconds[train]).predict(rows[test]))
    errors = np.abs(predicted / seconds - 1)
    constant = np.ptp(predicted) == 0 or np.ptp(seconds) == 0
    return PredictionError(
        median=float(np.median(errors)),
        ninetieth=float(np.quantile(errors, 0.9)),
        rank_correlation=0.0 if constant else float(spearmanr(predicted, seconds).statistic),
        measurements=len(seconds),
    )


def _check(measured: Sequence[Measured]) -> None:
    if len(measured) < LEAST_NETWORKS:
        raise MeasurementError(
            f"a latency predictor takes {LEAST_NETWORKS} measurements or more (better {ENOUGH}), got {len(measured)}"
        )
    first = measured[0]
    for each in measured:
        if each.latency.conditions != first.latency.conditions:
            raise MeasurementError(
                "a latency predictor takes measurements under equal conditions, got "
                f"{first.latency.conditions} and {each.latency.conditions}"
            )
        if each.costs.keys() != first.costs.keys() or not all(cost > 0 for cost in each.costs.values()):
            raise MeasurementError(
                f"a latency predictor takes the same costs above 0 of every network, got {dict(first.costs)} and {dict(each.costs)}"
            )
