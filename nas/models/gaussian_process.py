"""Gaussian process regression on decisions: Matern-5/2 with one length scale per decision, fitted by its posterior mode.

Axes: n, m points, f features (several may belong to one decision), d decisions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, solve_triangular
from scipy.optimize import minimize

Array = NDArray[np.float64]

ROOT5 = math.sqrt(5.0)
JITTER = 1e-8
ITERATIONS = 40
"""Iterations of the optimizer; the mode needs to be approximate only."""
AMPLITUDE_PRIOR = (0.0, 1.0)
"""Mean and standard deviation of the logarithm of the signal's variance, for values of unit variance."""
NOISE_PRIOR = (math.log(1e-2), 1.5)
"""Mean and standard deviation of the logarithm of the noise's variance, for values of unit variance."""
LENGTH_DEVIATION = 1.0
"""Standard deviation of the logarithm of a length scale. Its mean grows with the root of the number of decisions, since each of
many decisions says less.
"""


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """The hyperparameters of a kernel, for values of unit variance."""

    inverse_squares: Array
    """One over the squared length scale of each decision, `float[d]`."""
    amplitude: float
    """Variance of the signal."""
    noise: float
    """Variance of the noise."""


class GaussianProcess:
    """The posterior of a function of the features, given noisy values of it.

    Args:
        features: `float[n f]`; squared differences summed over a decision's features are its squared distance.
        decisions: For each feature, the number of its decision, `int[f]`; every number from 0 to d - 1 occurs.
        values: `float[n]`, in any unit.
        variances: Known variance of each value beyond the common noise, `float[n]`, in squared units.
        hyperparameters: Fixed hyperparameters. Default: they are fitted to the values.
    """

    def __init__(
        self,
        features: Array,
        decisions: NDArray[np.int64],
        values: Array,
        variances: Array,
        hyperparameters: Hyperparameters | None = None,
    ) -> None:
        self._features = features
        self._decisions = decisions
        self._shift = float(values.mean())
        self._scale = float(values.std()) or 1.0
        self._variances = variances / self._scale**2
        self._values = (values - self._shift) / self._scale
        self.hyperparameters = hyperparameters or self._fitted()
        covariance = self._kernel(features, features)
        covariance[np.diag_indices(len(values))] += self.hyperparameters.noise + self._variances + JITTER
        self._root = np.linalg.cholesky(covariance)
        self._weights = cho_solve((self._root, True), self._values)

    @property
    def noise(self) -> float:
        """Standard deviation of the common noise, in the unit of the values."""
        return math.sqrt(self.hyperparameters.noise) * self._scale

    def predict(self, features: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the function, without noise: `float[m f] -> float[m], float[m]`."""
        kernel = self._kernel(features, self._features)
        solved = solve_triangular(self._root, kernel.T, lower=True, check_finite=False)
        variance = np.maximum(self.hyperparameters.amplitude - np.square(solved).sum(0), 1e-10)
        return kernel @ self._weights * self._scale + self._shift, np.sqrt(variance) * self._scale

    def mean(self, features: Array) -> Array:
        """The mean that `predict` returns, without the deviations, which take most of the time: `float[m f] -> float[m]`."""
        return np.asarray(self._kernel(features, self._features) @ self._weights * self._scale + self._shift)

    def sample(self, features: Array, count: int, rng: np.random.Generator) -> Array:
        """Joint draws of the function at some points, `float[m f] -> float[count m]`."""
        kernel = self._kernel(features, self._features)
        solved = solve_triangular(self._root, kernel.T, lower=True, check_finite=False)
        covariance = self._kernel(features, features) - solved.T @ solved
        covariance[np.diag_indices(len(features))] += 1e-6 * self.hyperparameters.amplitude
        root = np.linalg.cholesky(covariance)
        normal = rng.standard_normal((count, len(features)))
        return np.asarray((kernel @ self._weights + normal @ root.T) * self._scale + self._shift)

    def as_expected_at(self, features: Array) -> GaussianProcess:
        """The posterior if the function were observed to take its expected values at these points, `float[m f]`."""
        means = self.mean(features)
        return GaussianProcess(
            np.concatenate((self._features, features)),
            self._decisions,
            np.concatenate((self._values * self._scale + self._shift, means)),
            np.concatenate((self._variances * self._scale**2, np.zeros(len(means)))),
            self.hyperparameters,
        )

    def _kernel(self, a: Array, b: Array) -> Array:
        weights = np.sqrt(self.hyperparameters.inverse_squares)[self._decisions]
        return np.asarray(self.hyperparameters.amplitude * _matern(_squared_distances(a * weights, b * weights)))

    def _fitted(self) -> Hyperparameters:
        """The mode of the hyperparameters' posterior. It is searched from a fixed start, so that equal values give equal modes."""
        count = int(self._decisions.max()) + 1
        means = np.array([math.log(math.sqrt(count))] * count + [AMPLITUDE_PRIOR[0], NOISE_PRIOR[0]])
        deviations = np.array([LENGTH_DEVIATION] * count + [AMPLITUDE_PRIOR[1], NOISE_PRIOR[1]])
        columns = [self._features[:, self._decisions == k] for k in range(count)]
        distances = np.stack([_squared_distances(column, column) for column in columns])
        bounds = [(-3.0, 5.0)] * count + [(-5.0, 4.0), (-12.0, 1.0)]
        best = minimize(
            self._loss,
            means,
            args=(distances, means, deviations),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": ITERATIONS},
        ).x
        return _hyperparameters(best)

    def _loss(self, parameters: Array, distances: Array, means: Array, deviations: Array) -> tuple[float, Array]:
        """Negative log posterior density of the parameters, and its gradient."""
        chosen = _hyperparameters(parameters)
        n, count = len(self._values), len(distances)
        squares = np.tensordot(chosen.inverse_squares, distances, 1)
        matern = _matern(squares)
        covariance = chosen.amplitude * matern
        covariance[np.diag_indices(n)] += chosen.noise + self._variances + JITTER
        try:
            root = np.linalg.cholesky(covariance)
        except np.linalg.LinAlgError:
            return 1e10, np.zeros_like(parameters)
        inverse = cho_solve((root, True), np.eye(n), check_finite=False)
        weights = inverse @ self._values
        off = (parameters - means) / deviations
        loss = 0.5 * float(self._values @ weights) + float(np.log(np.diag(root)).sum()) + 0.5 * float(off @ off)
        by_covariance = 0.5 * (inverse - np.outer(weights, weights))
        by_squares = by_covariance * chosen.amplitude * _matern_slope(squares)
        gradient = np.empty_like(parameters)
        gradient[:count] = -2.0 * chosen.inverse_squares * (distances.reshape(count, -1) @ by_squares.ravel())
        gradient[count] = chosen.amplitude * float((by_covariance * matern).sum())
        gradient[count + 1] = chosen.noise * float(np.trace(by_covariance))
        return loss, gradient + off / deviations


def _hyperparameters(parameters: Array) -> Hyperparameters:
    """Hyperparameters from the logarithms of length scales, signal variance and noise variance."""
    *lengths, amplitude, noise = parameters
    return Hyperparameters(np.exp(-2.0 * np.array(lengths)), math.exp(amplitude), math.exp(noise))


def _squared_distances(a: Array, b: Array) -> Array:
    """Squared distances between all pairs of rows, `float[n f], float[m f] -> float[n m]`."""
    squares = np.square(a).sum(1)[:, None] + np.square(b).sum(1)[None] - 2.0 * a @ b.T
    return np.asarray(np.maximum(squares, 0.0))


def _matern(squares: Array) -> Array:
    """Matern-5/2 correlation as a function of the squared distance."""
    distance = np.sqrt(squares)
    result: Any = (1.0 + ROOT5 * distance + 5.0 / 3.0 * squares) * np.exp(-ROOT5 * distance)
    return np.asarray(result)


def _matern_slope(squares: Array) -> Array:
    """Derivative of the Matern-5/2 correlation by the squared distance."""
    distance = np.sqrt(squares)
    return np.asarray(-5.0 / 6.0 * (1.0 + ROOT5 * distance) * np.exp(-ROOT5 * distance))
