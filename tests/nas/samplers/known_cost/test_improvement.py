from __future__ import annotations

import numpy as np
import pytest

from nas.pareto import hypervolume
from nas.samplers.known_cost.improvement import Staircase

RNG = np.random.default_rng(0)


def staircase(costs: int, count: int = 12) -> tuple[Staircase, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(costs)
    accuracies, places = rng.uniform(40, 80, count), rng.uniform(0, 1, (count, costs))
    return Staircase.of(accuracies, places, 50.0, np.ones(costs)), accuracies, places


def volume(accuracies: np.ndarray, places: np.ndarray) -> float:
    points = [(-a, *map(float, p)) for a, p in zip(accuracies.tolist(), places, strict=True)]
    return hypervolume(points, (-50.0, *[1.0] * places.shape[1]))


def bounded(axes: Staircase) -> Staircase:
    """The same with cells that begin at cost 0, where all candidates of the test lie above."""
    return Staircase(tuple(np.concatenate(([0.0], edges[1:])) for edges in axes.edges), axes.levels)


@pytest.mark.parametrize("costs", [1, 2])
def test_the_gain_is_what_the_hypervolume_grows_by(costs: int) -> None:
    stairs, accuracies, places = staircase(costs)
    for _ in range(50):
        accuracy, place = RNG.uniform(40, 90), RNG.uniform(0, 1.1, costs)
        grown = volume(np.append(accuracies, accuracy), np.vstack((places, place))) - volume(accuracies, places)
        gain = bounded(stairs).gain(np.array([accuracy]), place[None])
        assert gain[0] == pytest.approx(grown, abs=1e-9)


@pytest.mark.parametrize("costs", [0, 1, 2])
def test_the_expected_gain_is_the_mean_of_the_gains(costs: int) -> None:
    stairs, _, _ = staircase(costs)
    means, deviations, places = RNG.uniform(45, 85, 6), RNG.uniform(1, 8, 6), RNG.uniform(0.1, 1, (6, costs))
    draws = means + deviations * RNG.standard_normal((40_000, 6))
    gains = np.array([stairs.gain(each, places) for each in draws])
    error = gains.std(0) / np.sqrt(len(draws))
    assert (np.abs(stairs.expected(means, deviations, places) - gains.mean(0)) < 5 * error + 1e-6).all()


def test_without_costs_it_is_the_expected_improvement_over_the_best() -> None:
    stairs, accuracies, _ = staircase(0)
    assert stairs.levels.item() == accuracies.max()
    assert stairs.gain(np.array([accuracies.max() + 2]), np.zeros((1, 0))) == pytest.approx([2.0])


@pytest.mark.parametrize("costs", [1, 2])
def test_depth_is_zero_on_the_front_and_the_way_up_below_it(costs: int) -> None:
    stairs, accuracies, places = staircase(costs)
    depth = stairs.depth(accuracies, places)
    for k, (accuracy, place) in enumerate(zip(accuracies, places, strict=True)):
        cheaper = [a for a, p in zip(accuracies, places, strict=True) if (p <= place).all()]
        assert depth[k] == pytest.approx(max([*cheaper, 50.0]) - accuracy)


def test_what_is_over_the_references_counts_for_nothing() -> None:
    stairs, _, _ = staircase(1)
    assert stairs.expected(np.array([90.0]), np.array([1.0]), np.array([[1.0]])) == [0.0]
