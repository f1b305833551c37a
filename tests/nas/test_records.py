import json
import math

import pytest

from nas.budget import Budget
from nas.dimensions import Scalar
from nas.records import Evaluation, Failure, FailureKind, Measurement, Progress, Task, outcome_from_json
from nas.seeds import derive_seed
from tests.toy_search import ToySpace


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_measurement_is_finite(bad: float) -> None:
    with pytest.raises(ValueError, match="refused"):
        Measurement(mean=bad)
    with pytest.raises(ValueError, match="refused"):
        Measurement(mean=0.0, std=bad)


def test_the_standard_error_falls_with_the_root_of_n() -> None:
    assert Measurement(mean=1.0, std=4.0, n=16).standard_error == 1.0


def test_outcomes_tasks_and_progress_survive_json() -> None:
    evaluation = Evaluation(
        measurements={"accuracy": Measurement(mean=71.25, std=45.3, n=5000)},
        seconds=1.5,
        epochs=3,
        details={"curve": [{"epoch": 1, "loss": 2.0}]},
    )
    failure = Failure(kind=FailureKind.DIVERGED, message="loss is nan", seconds=0.5, epochs=1)
    for outcome in (evaluation, failure):
        assert outcome_from_json(json.loads(json.dumps(outcome.to_json()))) == outcome
    genotype: dict[str, Scalar] = {"width": 8, "mixer": "fixed", "rank": 0, "lr": 0.1}
    task = Task(trial=3, candidate=ToySpace().decode(genotype), budget=Budget(epochs=2, rungs=(1,)), seed=7)
    assert Task.from_json(json.loads(json.dumps(task.to_json()))) == task
    progress = Progress(trial=3, epochs=1, value=51.5)
    assert Progress.from_json(progress.to_json()) == progress


def test_seeds_differ_by_purpose_and_fit_31_bits() -> None:
    seeds = {derive_seed(root, "sampler", number) for root in range(5) for number in range(100)}
    assert len(seeds) == 500
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert derive_seed(0, "split") == derive_seed(0, "split")
