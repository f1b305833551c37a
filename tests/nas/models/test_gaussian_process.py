from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from nas.models.gaussian_process import GaussianProcess, Hyperparameters, _hyperparameters

DECISIONS = np.array([0, 0, 1, 2])
GIVEN = Hyperparameters(np.array([1.0, 0.3, 2.0]), 1.5, 0.01)


def data(count: int = 25) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(count, 4))
    return features, 70 + 3 * np.sin(features[:, 2]) + features[:, 0] + 0.1 * rng.normal(size=count)


def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    weights = GIVEN.inverse_squares[DECISIONS]
    r = np.sqrt((weights * (a[:, None] - b[None]) ** 2).sum(-1))
    covariance: np.ndarray = 1.5 * (1 + np.sqrt(5) * r + 5 / 3 * r**2) * np.exp(-np.sqrt(5) * r)
    return covariance


def test_the_posterior_is_that_of_the_textbook() -> None:
    features, values = data()
    variances = np.linspace(0, 0.5, len(values))
    points = np.random.default_rng(1).normal(size=(7, 4))
    scale, z = values.std(), (values - values.mean()) / values.std()
    covariance = kernel(features, features) + np.diag(0.01 + variances / scale**2)
    across = kernel(points, features)
    mean = across @ np.linalg.solve(covariance, z) * scale + values.mean()
    variance = (1.5 - np.einsum("ij,ji->i", across, np.linalg.solve(covariance, across.T))) * scale**2
    process = GaussianProcess(features, DECISIONS, values, variances, GIVEN)
    means, deviations = process.predict(points)
    np.testing.assert_allclose(means, mean, rtol=1e-6)
    np.testing.assert_array_equal(process.mean(points), means)
    np.testing.assert_allclose(deviations, np.sqrt(variance), rtol=1e-5)


def test_the_gradient_of_the_fit_is_that_of_its_loss() -> None:
    features, values = data()
    process = GaussianProcess(features, DECISIONS, values, np.zeros(25), GIVEN)
    columns = [features[:, k == DECISIONS] for k in range(3)]
    distances = np.stack([((c[:, None] - c[None]) ** 2).sum(-1) for c in columns])
    means, deviations = np.zeros(5), np.ones(5)
    point = np.array([0.3, -0.2, 0.5, 0.1, -3.0])
    _, gradient = process._loss(point, distances, means, deviations)
    numeric = approx_fprime(point, lambda p: process._loss(p, distances, means, deviations)[0], 1e-6)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-3, atol=1e-4)
    assert _hyperparameters(point).noise == pytest.approx(np.exp(-3.0))


def test_a_decision_without_effect_gets_a_long_length_scale() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 4))
    process = GaussianProcess(features, DECISIONS, np.sin(2 * features[:, 2]), np.zeros(60))
    without, matters, _ = 1 / np.sqrt(process.hyperparameters.inverse_squares)
    assert matters < without / 3


def test_draws_have_the_posterior_s_moments() -> None:
    features, values = data()
    process = GaussianProcess(features, DECISIONS, values, np.zeros(25), GIVEN)
    points = np.random.default_rng(1).normal(size=(5, 4))
    draws = process.sample(points, 20_000, np.random.default_rng(2))
    means, deviations = process.predict(points)
    np.testing.assert_allclose(draws.mean(0), means, atol=0.1)
    np.testing.assert_allclose(draws.std(0), deviations, rtol=0.03)


def test_observing_what_is_expected_keeps_the_expectation_and_removes_the_doubt() -> None:
    features, values = data()
    process = GaussianProcess(features, DECISIONS, values, np.zeros(25), GIVEN)
    points = np.random.default_rng(1).normal(size=(3, 4))
    means, deviations = process.predict(points)
    after, left = process.as_expected_at(points).predict(points)
    np.testing.assert_allclose(after, means, atol=0.15)
    assert (left < 0.3 * deviations).all()
