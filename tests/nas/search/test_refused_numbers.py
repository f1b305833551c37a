"""Numbers of a person's own functions that no search can use: refused where they come in, with name and value."""

from __future__ import annotations

import itertools
import math
import warnings
from pathlib import Path
from typing import Any, Literal

import optuna
import pytest
from optuna.distributions import BaseDistribution, IntDistribution

from nas.candidate import Candidate
from nas.dimensions import IntRange
from nas.errors import SettingsError
from nas.objectives import Direction, Objective, ObjectiveKind
from nas.ports import Tell
from nas.records import Evaluation, Failure, FailureKind, Measurement, Progress, Task, TrialState
from nas.samplers.known_cost import KnownCostSampler
from nas.samplers.known_cost import axes as known_cost_axes
from nas.search.driver import Driver
from nas.search.own_search import make_driver, search_in_process
from nas.simple_space import SimpleSpace

FLOATS = (math.nan, math.inf, -math.inf, 1e308, -1e308, 1e-320)
REFUSED = (*FLOATS, 10**400, 10**5000, None, "7", [1.0, 2.0])
BAD = {"given": {"width": 3}}
EVERY = pytest.mark.parametrize(
    "value", REFUSED, ids=lambda value: f"{value!r:.8}" if value != 10**5000 else "10**5000"
)
EVERY_FLOAT = pytest.mark.parametrize("value", FLOATS)


def objectives(reference: float = 1e5) -> tuple[Objective, ...]:
    return (
        Objective(name="accuracy", direction=Direction.MAXIMIZE, kind=ObjectiveKind.LEARNED, unit="%", reference=0),
        Objective(
            name="macs", direction=Direction.MINIMIZE, kind=ObjectiveKind.KNOWN, unit="", reference=reference, log=True
        ),
    )


def width(candidate: Candidate) -> int:
    value = candidate.architecture["width"]
    assert isinstance(value, int)
    return value


def is_bad(candidate: Candidate) -> bool:
    return width(candidate) % 3 == 0


class Evaluator:
    """Gives something else than an accuracy for every third width, where there is something else."""

    def __init__(self, *other: Any) -> None:
        self.other = other

    def evaluate(self, task: Task, progress: Tell) -> Evaluation:
        accuracy = Measurement(mean=100 - 100 / width(task.candidate))
        if self.other and is_bad(task.candidate):
            accuracy = self.other[0]()
        measurements = {} if accuracy is None else {"accuracy": accuracy}
        return Evaluation(measurements=measurements, seconds=0.0, epochs=1)


def driver_of(costs: Any, **more: Any) -> Driver:
    space = SimpleSpace("widths", IntRange(name="width", low=2, high=200))
    return make_driver(space, objectives(), costs, **{"trials": 16, **more})


def good_costs(candidate: Candidate) -> dict[str, float]:
    return {"macs": float(width(candidate))}


def assert_failed(driver: Driver, told: str) -> None:
    """Every third width has, with these words, and nothing else."""
    assert driver.finished
    assert driver.handed_out == 16
    bad = [trial for trial in driver.trials if is_bad(trial.candidate) and trial.reused_from is None]
    assert bad
    for trial in bad:
        assert trial.state is TrialState.FAILED
        assert isinstance(trial.outcome, Failure)
        assert trial.outcome.kind is FailureKind.INVALID
        assert told in trial.outcome.message
        assert "\n" not in trial.outcome.message
    good = [trial for trial in driver.trials if not is_bad(trial.candidate) and trial.reused_from is None]
    assert {trial.state for trial in good} == {TrialState.COMPLETE}
    assert not any(is_bad(driver.trials[number].candidate) for number in driver.front().trials)
    assert all(math.isfinite(value) for values in driver.front().values for value in values)


def words(value: object) -> str:
    if isinstance(value, int) and value > 10**400:
        return "a number of very many digits"
    return repr(value)[:20]


@pytest.mark.parametrize(
    ("sampler", "value"),
    [*itertools.product(["random"], REFUSED), *itertools.product(["known_cost", "random_logbins"], [math.nan, 1e308])],
    ids=map(str, itertools.count()),
)
def test_a_cost_that_is_no_number_fails_its_trial_alone(value: Any, sampler: str, tmp_path: Path) -> None:
    def costs(candidate: Candidate) -> dict[str, Any]:
        return {"macs": value} if is_bad(candidate) else good_costs(candidate)

    driver = driver_of(costs, sampler=sampler, database=tmp_path / "study.db", given=BAD)
    search_in_process(driver, Evaluator())
    assert_failed(driver, f"macs = {words(value)}")
    driver.close()
    again = driver_of(costs, sampler=sampler, database=tmp_path / "study.db")
    assert again.finished
    assert again.handed_out == 16
    assert [trial.state for trial in again.trials] == [trial.state for trial in driver.trials]


@pytest.mark.parametrize("given", [{}, {"flops": 3.0}, None, 7.0])
def test_a_cost_that_is_missing_fails_its_trial_alone(given: Any) -> None:
    driver = driver_of(lambda candidate: given if is_bad(candidate) else good_costs(candidate), given=BAD)
    search_in_process(driver, Evaluator())
    assert_failed(driver, "macs is missing")


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e-320, None])
def test_a_search_whose_every_cost_is_refused_ends(value: Any) -> None:
    driver = driver_of(lambda _candidate: {"macs": value}, trials=12)
    search_in_process(driver, Evaluator())
    assert driver.finished
    assert {trial.state for trial in driver.trials if trial.reused_from is None} == {TrialState.FAILED}
    assert not driver.front().trials


@EVERY_FLOAT
@pytest.mark.parametrize("what", ["mean", "std", "progress"])
def test_an_accuracy_that_is_no_number_fails_its_trial_alone(value: float, what: str) -> None:
    def measured() -> Measurement:
        if what == "progress":
            Progress(trial=0, epochs=1, value=value)
        return Measurement(mean=value) if what == "mean" else Measurement(mean=50.0, std=value)

    if what == "std" and value == 1e-320:
        assert measured().std == value, "the deviation of nearly equal numbers"
        return
    more_than_may_crash = {f"given {k}": {"width": k} for k in (3, 6, 9, 12)}
    driver = driver_of(good_costs, sampler="random", given=more_than_may_crash)
    search_in_process(driver, Evaluator(measured))
    name = {
        "mean": "the mean of a measurement",
        "std": "the std of a measurement",
        "progress": "the learned objective on the way",
    }[what]
    assert_failed(driver, f"{name} = {value!r}")


def test_an_evaluation_without_accuracy_fails_its_trial_alone() -> None:
    driver = driver_of(good_costs, sampler="random", given=BAD)
    search_in_process(driver, Evaluator(lambda: None))
    assert_failed(driver, "the evaluation lacks accuracy; it has nothing")


@EVERY_FLOAT
def test_references_and_limits_that_are_no_numbers_are_refused(value: float) -> None:
    space = SimpleSpace("widths", IntRange(name="width", low=2, high=200))
    with pytest.raises(SettingsError, match="reference of macs = ") as told:
        make_driver(space, objectives(value), good_costs, trials=2)
    assert repr(value) in str(told.value)
    with pytest.raises(SettingsError, match="limit of macs = ") as told:
        make_driver(space, objectives(), good_costs, trials=2, limits={"macs": value})
    assert repr(value) in str(told.value)


@pytest.mark.parametrize("value", [0, -1, 10**20, 10**400, 10**5000], ids=["0", "-1", "10**20", "10**400", "10**5000"])
@pytest.mark.parametrize("name", ["trials", "epochs", "replicates"])
def test_absurd_numbers_of_trainings_are_refused(name: str, value: int) -> None:
    space = SimpleSpace("widths", IntRange(name="width", low=2, high=200))
    numbers: dict[str, Any] = {"trials": 2, name: value}
    with pytest.raises(SettingsError, match=f"{name}: must be 1"):
        make_driver(space, objectives(), good_costs, **numbers)


SPACE: dict[str, BaseDistribution] = {name: IntDistribution(1, 12) for name in ("a", "b")}


@EVERY
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_sampler_alone_proposes_nothing_whose_cost_is_refused(
    value: Any, direction: Literal["minimize", "maximize"]
) -> None:
    def cost(genotype: Any) -> Any:
        return value if genotype["a"] % 2 else float(genotype["a"] + genotype["b"])

    sampler = KnownCostSampler(SPACE, costs={1: cost}, limits={1: 20.0 if direction == "minimize" else 5.0}, seed=0)
    study = optuna.create_study(directions=["maximize", direction], sampler=sampler)
    for _ in range(16):
        trial = study.ask(SPACE)
        assert trial.params["a"] % 2 == 0
        study.tell(trial, [trial.params["b"], cost(trial.params)])


@pytest.mark.parametrize("value", [math.inf, -math.inf, 1e308, -1e308, 1e-320])
def test_the_sampler_alone_takes_a_refused_accuracy_for_a_failure(value: float) -> None:
    sampler = KnownCostSampler(SPACE, costs={1: lambda genotype: genotype["a"]}, seed=0)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(20):
            trial = study.ask(SPACE)
            study.tell(trial, [value if trial.params["b"] % 3 == 0 else trial.params["b"], trial.params["a"]])


def test_costs_of_candidates_are_kept_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proposals are the same as with all of them kept."""
    space: dict[str, BaseDistribution] = {f"p{k}": IntDistribution(0, 9) for k in range(6)}
    proposed = []
    for most in (10**9, 100):
        monkeypatch.setattr(known_cost_axes, "MOST_KNOWN", most)
        sampler = KnownCostSampler(space, costs={1: lambda genotype: 1.0 + sum(genotype.values())}, seed=0)
        study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
        for _ in range(15):
            trial = study.ask(space)
            study.tell(trial, [sum(itertools.accumulate(trial.params.values())), 1.0 + sum(trial.params.values())])
        assert sampler._search is not None
        kept = len(sampler._search._pool._costs._known)
        assert kept > 1000 if most > 100 else kept <= 100
        proposed.append([trial.params for trial in study.trials])
    assert proposed[0] == proposed[1]
