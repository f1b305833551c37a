from __future__ import annotations

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from nas.models.encoding import Encoding

SPACE = {
    "mixer": CategoricalDistribution(["fixed", "static", "dynamic"]),
    "lr": FloatDistribution(0.01, 1.0, log=True),
    "rank": IntDistribution(0, 4),
    "width": CategoricalDistribution([16, 24, 32]),
    "only": CategoricalDistribution(["one"]),
}
USUAL = {"mixer": "fixed", "lr": 0.1, "rank": 2, "width": 16, "only": "one"}


def distances(a: dict[str, object], b: dict[str, object]) -> np.ndarray:
    """Squared distance by decision; `rank` has an effect only with a dynamic mixer."""
    encoding = Encoding(SPACE, lambda g: {k: v for k, v in g.items() if k != "rank" or g["mixer"] == "dynamic"})
    first, second = encoding([a, b])
    return np.bincount(encoding.decisions, (first - second) ** 2)


def test_equal_candidates_are_at_no_distance_and_single_valued_decisions_are_left_out() -> None:
    assert distances(USUAL, USUAL).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"mixer": "static"}, [1, 0, 0, 0]),
        ({"lr": 1.0}, [0, 0.25, 0, 0]),
        ({"rank": 4}, [0, 0, 0, 0]),
        ({"width": 32}, [0, 0, 0, 1]),
        ({"width": 24}, [0, 0, 0, 0.5 / 4 + 0.5]),
        ({"mixer": "dynamic"}, [1, 0, 0.5, 0]),
        ({"mixer": "dynamic", "rank": 4}, [1, 0, 0.75, 0]),
    ],
)
def test_each_decision_has_its_distance(change: dict[str, object], expected: list[float]) -> None:
    np.testing.assert_allclose(distances(USUAL, {**USUAL, **change}), expected)


def test_a_choice_read_back_as_another_type_is_that_choice_and_true_is_not_1() -> None:
    widths = Encoding({"width": CategoricalDistribution([8, 16, 32])}, lambda genotype: genotype)
    np.testing.assert_array_equal(*widths([{"width": 16}, {"width": 16.0}]))
    both = Encoding({"flag": CategoricalDistribution([1, True])}, lambda genotype: genotype)
    first, second = both([{"flag": 1}, {"flag": True}])
    assert ((first - second) ** 2).sum() == pytest.approx(1.0)
