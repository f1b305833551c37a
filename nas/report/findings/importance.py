"""Which decisions matter for the learned objective: how much worse held-out trials are predicted after shuffling a decision.

A random forest predicts the value of trials it has not seen (cross-validation) from their resolved decisions. Shuffling one
decision among those trials and predicting again shows how much the prediction depends on it. This is done for the value
itself, and for the value at equal cost, which is the residual of a parabola over the cost on its scale; otherwise the
decisions that buy the value with costs would hide all others. If held-out trials cannot be predicted, there is no ranking,
and the report says so.

Source: Breiman, "Random Forests" (2001), section 10; the shuffling is done on held-out trials instead of out-of-bag ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.dimensions import Scalar
from nas.records import Trial
from nas.report.findings.statistics import learned_value
from nas.search.result import SearchResult

MIN_TRIALS = 20
"""With fewer trials no forest is fitted, since five folds would hold out fewer than four trials each."""
MIN_SCORE = 0.1
"""Share of the variance of held-out trials that must be explained for a ranking to mean anything."""
_FOLDS = 5
_SHUFFLES = 5
_REPEATS = 3
_TREES = 40

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """How much one decision matters."""

    decision: str
    mean: float
    """Explained variance (R²) of held-out trials that is lost when the decision is shuffled."""
    spread: float
    """Standard deviation of this loss over splits and shuffles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """The decisions ranked by how much they matter for one target."""

    n: int
    """Number of trials that the ranking is based on."""
    score: float | None
    """R² of the forest on held-out trials; None if no forest was fitted."""
    weights: tuple[Weight, ...]
    """The weights, most important decision first; empty if there is no ranking."""
    verdict: str
    """Why there is no ranking; empty if there is one."""


def importance(trials: Sequence[Trial], target: Sequence[float]) -> Importance:
    """Ranks the decisions that vary among some trials.

    Args:
        trials: Trained trials.
        target: One number per trial, such as its score.
    """
    n = len(trials)
    columns = varying_decisions(trials)
    if n < MIN_TRIALS:
        return _without(n, f"Too few networks to tell: {n} trained, at least {MIN_TRIALS} are needed.")
    if not columns or np.ptp(np.asarray(target)) == 0:
        return _without(n, "Nothing varies between the trained networks.")
    score, losses = _losses(trials, np.asarray(target, dtype=np.float64), columns)
    if score < MIN_SCORE:
        return Importance(
            n=n,
            score=score,
            weights=(),
            verdict=f"{n} networks do not show it: the decisions explain {100 * max(score, 0.0):.0f} % of the variance of "
            "networks the model has not seen.",
        )
    weights = [
        Weight(decision=name, mean=float(losses[:, k].mean()), spread=float(losses[:, k].std(ddof=1)))
        for k, name in enumerate(columns)
    ]
    weights.sort(key=lambda weight: -weight.mean)
    return Importance(n=n, score=score, weights=tuple(weights), verdict="")


def value_at_equal_cost(result: SearchResult, trials: Sequence[Trial]) -> list[float]:
    """The learned objective of each trial minus the value of a parabola over the cost, on its scale, at the trial's cost.

    With fewer than four trials, or a single cost, the mean is subtracted instead.
    """
    if not trials:
        return []
    values = np.array([learned_value(result, trial).mean for trial in trials])
    cost = result.cost
    scaled = np.array([cost.loss(trial.values()[cost.name]) for trial in trials])
    degree = 0 if len(trials) < 4 else min(2, len(np.unique(scaled)) - 1)
    basis = np.vander(scaled - scaled.mean(), degree + 1)
    coefficients = np.linalg.lstsq(basis, values, rcond=None)[0]
    return [float(value) for value in values - basis @ coefficients]


def varying_decisions(trials: Sequence[Trial]) -> dict[str, list[Scalar]]:
    """The decisions that are not the same in all trials, with their values; an erased decision is None."""
    names = dict.fromkeys(name for trial in trials for name in trial.candidate.decisions)
    columns = {name: [trial.candidate.decisions.get(name) for trial in trials] for name in names}
    return {name: values for name, values in columns.items() if len(set(map(repr, values))) > 1}


def _without(n: int, verdict: str) -> Importance:
    return Importance(n=n, score=None, weights=(), verdict=verdict)


def _losses(trials: Sequence[Trial], target: Matrix, columns: dict[str, list[Scalar]]) -> tuple[float, Matrix]:
    """R² of held-out trials, and its loss for each decision, float[repeats·shuffles decisions]."""
    encoded = [_encode(values) for values in columns.values()]
    repeats = _REPEATS if len(trials) <= 300 else 1
    scores: list[float] = []
    losses: list[list[float]] = []
    for repeat in range(repeats):
        rng = np.random.default_rng(repeat)
        score, lost = _one_split(encoded, target, rng, repeat)
        scores.append(score)
        losses.extend(lost)
    return float(np.mean(scores)), np.array(losses)


def _one_split(
    encoded: list[Matrix], target: Matrix, rng: np.random.Generator, seed: int
) -> tuple[float, list[list[float]]]:
    """One cross-validation, whose predictions are pooled over the folds before R² is computed."""
    from sklearn.ensemble import RandomForestRegressor

    n = len(target)
    folds = rng.permutation(n) % _FOLDS
    orders = [[rng.permutation(n) for _ in encoded] for _ in range(_SHUFFLES)]
    inputs = np.hstack(encoded)
    plain = np.zeros(n)
    shuffled = np.zeros((_SHUFFLES, len(encoded), n))
    for fold in range(_FOLDS):
        held = np.flatnonzero(folds == fold)
        forest = RandomForestRegressor(
            n_estimators=_TREES, max_features=1 / 3, min_samples_leaf=2, random_state=seed * _FOLDS + fold
        )
        forest.fit(inputs[folds != fold], target[folds != fold])
        variants = [
            np.hstack([block[order[held]] if k == decision else block[held] for k, block in enumerate(encoded)])
            for row in orders
            for decision, order in enumerate(row)
        ]
        # One call for all variants: a forest spends most of a small prediction on overhead.
        predicted = forest.predict(np.vstack([inputs[held], *variants])).reshape(-1, len(held))
        plain[held] = predicted[0]
        shuffled[:, :, held] = predicted[1:].reshape(_SHUFFLES, len(encoded), len(held))
    score = _r_squared(target, plain)
    return score, [[score - _r_squared(target, row) for row in rows] for rows in shuffled]


def _encode(values: list[Scalar]) -> Matrix:
    """The values as columns, float[n columns]: numbers unchanged, with erased ones below all others; else one column per level."""
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) + values.count(None) == len(values):
        below = min(numbers) - 1.0
        column = [below if value is None else float(value) for value in values if not isinstance(value, str)]
        return np.array(column)[:, None]
    texts = [repr(value) for value in values]
    return np.array([[float(text == level) for level in sorted(set(texts))] for text in texts])


def _r_squared(target: Matrix, predicted: Matrix) -> float:
    return float(1 - np.sum((target - predicted) ** 2) / np.sum((target - target.mean()) ** 2))
