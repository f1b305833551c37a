"""Predicted latencies, against networks whose latency follows a law that is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from nas.errors import MeasurementError
from nas.latency.measurement import LEAST_NETWORKS, Conditions, Latency
from nas.latency.predictor import ENOUGH, Architecture, LatencyPredictor, Measured

CONDITIONS = Conditions(device="AMD EPYC", form="eager", batch=1, image_shape=(3, 32, 32), threads=1)
PRICES = {"fixed": 0.02, "dynamic": 0.09, "static": 0.05}
"""Logarithmic price of a unit by its mixer."""
Law = Callable[[Architecture, float], float]


def by_units_and_macs(architecture: Architecture, macs: float) -> float:
    total = 0.0
    for stage in ("stage1", "stage2"):
        units, mixer = architecture[f"{stage}.units"], architecture[f"{stage}.mixer"]
        assert isinstance(units, int)
        total += units * PRICES[str(mixer)]
    return float(np.exp(total) * macs**0.3 * 1e-5)


def draws(count: int, seed: int = 0, law: Law = by_units_and_macs, noise: float = 0.0) -> list[Measured]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        architecture: dict[str, str | int | float | bool | None] = {"width": int(rng.choice([24, 48]))}
        for stage in ("stage1", "stage2"):
            mixer = str(rng.choice(list(PRICES)))
            architecture |= {f"{stage}.units": int(rng.integers(2, 9)), f"{stage}.mixer": mixer}
            if mixer == "dynamic":
                architecture[f"{stage}.n1"] = int(rng.choice([4, 8]))
        macs = float(np.exp(rng.uniform(14, 18)))
        median = law(architecture, macs) * float(np.exp(noise * rng.standard_normal()))
        latency = Latency(conditions=CONDITIONS, median=median, spread=0.0, runs=9, warm_up_runs=3)
        costs = {"macs": macs, "params": float(np.exp(rng.uniform(9, 13)))}
        found.append(Measured(architecture=architecture, costs=costs, latency=latency))
    return found


def predicted(predictor: LatencyPredictor, networks: Sequence[Measured]) -> np.ndarray:
    return predictor([each.architecture for each in networks], [each.costs for each in networks])


def test_a_price_a_unit_and_a_power_of_the_cost_are_found_exactly() -> None:
    predictor = LatencyPredictor(draws(100))
    unseen = draws(50, seed=1)
    measured = [each.latency.median for each in unseen]
    np.testing.assert_allclose(predicted(predictor, unseen), measured, rtol=1e-3)
    assert predictor.error.median < 1e-3
    assert predictor.error.rank_correlation > 0.999
    assert predictor.conditions == CONDITIONS


def test_the_error_is_that_of_networks_it_has_not_seen() -> None:
    """Noise of 10% makes a median relative error of about 0.674 times that, and no less by fitting it."""
    predictor = LatencyPredictor(draws(200, noise=0.1))
    unseen = draws(400, seed=1, noise=0.1)
    measured = np.array([each.latency.median for each in unseen])
    errors = np.abs(predicted(predictor, unseen) / measured - 1)
    assert predictor.error.median == pytest.approx(float(np.median(errors)), rel=0.25)
    assert predictor.error.median > 0.06
    assert predictor.error.ninetieth > 2 * predictor.error.median


def test_latencies_that_follow_nothing_are_not_ranked() -> None:
    predictor = LatencyPredictor(draws(100, law=lambda architecture, macs: 1e-3, noise=0.3))
    assert abs(predictor.error.rank_correlation) < 0.3


def test_equal_latencies_have_no_ranks() -> None:
    predictor = LatencyPredictor(draws(LEAST_NETWORKS, law=lambda architecture, macs: 1e-3))
    assert predictor.error.rank_correlation == 0.0
    assert predictor.error.median == pytest.approx(0.0, abs=1e-9)


def test_the_same_measurements_give_the_same_predictor() -> None:
    points = draws(60, noise=0.2)
    first, second = LatencyPredictor(points), LatencyPredictor(points)
    assert first.error == second.error
    assert (predicted(first, points) == predicted(second, points)).all()


def test_a_name_that_was_never_measured_counts_as_none() -> None:
    predictor = LatencyPredictor(draws(100))
    network = draws(1)[0]
    other = replace(network, architecture={**network.architecture, "stage1.mixer": "unheard_of"})
    assert np.isfinite(predicted(predictor, [other])).all()
    assert predictor([], []).shape == (0,)


def test_too_few_measurements_are_refused_and_few_are_said_to_be_few() -> None:
    with pytest.raises(MeasurementError, match=f"{LEAST_NETWORKS} measurements or more .*got {LEAST_NETWORKS - 1}"):
        LatencyPredictor(draws(LEAST_NETWORKS - 1))
    few, enough = LatencyPredictor(draws(LEAST_NETWORKS, noise=0.1)), LatencyPredictor(draws(ENOUGH, noise=0.1))
    assert "too few" in str(few.error)
    assert "too few" not in str(enough.error)


def test_measurements_under_other_conditions_or_of_other_costs_are_refused() -> None:
    points = draws(40)
    conditions = replace(CONDITIONS, batch=2)
    with pytest.raises(MeasurementError, match="equal conditions"):
        LatencyPredictor([*points, replace(points[0], latency=replace(points[0].latency, conditions=conditions))])
    with pytest.raises(MeasurementError, match="same costs"):
        LatencyPredictor([*points, replace(points[0], costs={"macs": 1.0})])
    with pytest.raises(MeasurementError, match="above 0"):
        LatencyPredictor([*points, replace(points[0], costs={"macs": 0.0, "params": 1.0})])


def test_a_space_without_stages_or_numbers_is_predicted_by_its_names() -> None:
    rng = np.random.default_rng(0)
    points = []
    for _ in range(40):
        operation = str(rng.choice(["conv", "pool"]))
        median = 2e-3 if operation == "conv" else 1e-3
        latency = Latency(conditions=CONDITIONS, median=median, spread=0.0, runs=9, warm_up_runs=3)
        points.append(Measured(architecture={"operation": operation}, costs={"macs": 1e6}, latency=latency))
    np.testing.assert_allclose(
        predicted(LatencyPredictor(points), points), [each.latency.median for each in points], rtol=1e-3
    )
