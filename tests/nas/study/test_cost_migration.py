"""A study whose costs were counted otherwise is counted anew when it is continued."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from nas.candidate import Candidate
from nas.dimensions import Choice, Dimension, Genotype, IntRange
from nas.engines.virtual_time import VirtualTimeEngine
from nas.ports import CostFunction, Tell
from nas.records import Evaluation, Failure, FailureKind, Measurement, Outcome, Task, Trial, TrialState
from nas.search.driver import Driver
from nas.search.own_search import make_driver
from nas.simple_space import SimpleSpace
from nas.study.cost_migration import CostMigration, summary
from nas.study.storage import open_storage, sqlite_url
from nas.study.study import Study
from tests.toy_search import QUANTITIES, toy_objectives

WIDTH = Choice(name="width", choices=(8, 16, 32))
WIDER = Choice(name="width", choices=(8, 16, 32, 64))
RANK = IntRange(name="rank", low=1, high=6)
MOST = 4
"""Ranks above it add nothing."""


class Space(SimpleSpace):
    """With a baseline, the widest network, and a canonical form of ranks if so asked."""

    def __init__(self, *dimensions: Dimension, canonical_ranks: bool = False, former: Any = None) -> None:
        super().__init__("nets", *dimensions, former=former)
        self.canonical_ranks = canonical_ranks

    def decode(self, genotype: Genotype) -> Candidate:
        return self.canonical(super().decode(genotype))

    def canonical(self, candidate: Candidate) -> Candidate:
        if not self.canonical_ranks:
            return candidate
        rank = min(int(str(candidate.architecture["rank"])), MOST)
        return replace(candidate, architecture={**candidate.architecture, "rank": rank})

    def baselines(self) -> Mapping[str, Genotype]:
        return {
            "widest": {
                dimension.name: dimension.choices[-1] if isinstance(dimension, Choice) else 6
                for dimension in self.dimensions
            }
        }


def width(candidate: Candidate) -> float:
    return float(str(candidate.architecture["width"]))


def rank(candidate: Candidate) -> float:
    return float(str(candidate.architecture["rank"]))


def by_factors(candidate: Candidate) -> dict[str, float]:
    """Every rank costs as much."""
    return {"macs": 1e3 * width(candidate) * rank(candidate), "params": width(candidate)}


def by_cheaper_form(candidate: Candidate) -> dict[str, float]:
    """Never more than three ranks cost."""
    return {"macs": 1e3 * width(candidate) * min(rank(candidate), 3.0), "params": width(candidate)}


@dataclass
class Evaluator:
    """Keeps what it trains; the widest of rank 2 fail."""

    trained: list[Task] = field(default_factory=list)

    def evaluate(self, task: Task, progress: Tell) -> Outcome:
        self.trained.append(task)
        if (width(task.candidate), rank(task.candidate)) == (32.0, 2.0):
            return Failure(kind=FailureKind.DIVERGED, message="loss is nan", epochs=1)
        accuracy = 20.0 + width(task.candidate) + rank(task.candidate)
        return Evaluation(measurements={"accuracy": Measurement(mean=accuracy)}, seconds=1.0, epochs=1)


@dataclass
class Search:
    """One start of a command."""

    driver: Driver
    trained: list[Task]
    told: list[str]
    counted: list[str]
    """Digests of the candidates whose costs were asked for."""

    @property
    def trials(self) -> tuple[Trial, ...]:
        return self.driver.trials


def search(
    database: Path,
    costs: Callable[[Candidate], Mapping[str, float]],
    version: int,
    *,
    trials: int,
    space: Space | None = None,
    runs: bool = True,
    **more: Any,
) -> Search:
    told: list[str] = []
    counted: list[str] = []

    def counting(candidate: Candidate) -> Mapping[str, float]:
        counted.append(candidate.digest)
        return costs(candidate)

    driver = make_driver(
        Space(WIDTH, RANK) if space is None else space, toy_objectives(), counting, costs_version=version,
        trials=trials, database=database, tell=told.append, **{"sampler": "random", **more},
    )  # fmt: skip
    evaluator = Evaluator()
    if runs:
        VirtualTimeEngine(evaluator).run(driver)
        driver.close()
    return Search(driver, evaluator.trained, told, counted)


def stored(database: Path) -> dict[str, list[optuna.trial.FrozenTrial]]:
    storage = open_storage(sqlite_url(database))
    return {
        name: optuna.load_study(study_name=name, storage=storage).trials
        for name in sorted(optuna.get_all_study_names(storage))
    }


def states(trials: tuple[Trial, ...]) -> list[str]:
    return [trial.state.value for trial in trials]


def assert_counted_by(costs: CostFunction, trials: tuple[Trial, ...]) -> None:
    for trial in trials:
        assert trial.costs == costs(trial.candidate), trial


def test_a_study_of_before_is_counted_anew_once_and_stays_beside(tmp_path: Path) -> None:
    database = tmp_path / "study.db"
    before = search(database, by_factors, 1, trials=8, seed=2)
    as_it_was = stored(database)["search"]
    now = search(database, by_cheaper_form, 2, trials=8, seed=2)
    assert now.trained == []
    assert_counted_by(by_cheaper_form, now.trials)
    assert [(t.genotype, t.outcome, t.state) for t in now.trials] == [
        (t.genotype, t.outcome, t.state) for t in before.trials
    ]
    changed = sum(trial.costs != by_cheaper_form(trial.candidate) for trial in before.trials)
    assert 0 < changed < len(before.trials)
    (told,) = now.told
    assert told.startswith(f"multiply-adds of {changed} of {len(before.trials)} trials are counted anew")
    assert "search-2" in told
    assert now.driver.front().values == tuple(
        (20 + width(c) + rank(c), by_cheaper_form(c)["macs"])
        for c in (now.trials[number].candidate for number in now.driver.front().trials)
    )

    studies = stored(database)
    assert list(studies) == ["search", "search-2"]
    assert [t.values for t in studies["search"]] == [t.values for t in as_it_was]
    for frozen, trial in zip(studies["search-2"], now.trials, strict=True):
        assert frozen.user_attrs["costs"] == trial.costs
        if trial.state is TrialState.COMPLETE:
            assert frozen.values == [trial.values()["accuracy"], trial.costs["macs"]]
    for old, new in zip(studies["search"], studies["search-2"], strict=True):
        assert (old.datetime_start, old.datetime_complete) == (new.datetime_start, new.datetime_complete)

    again = search(database, by_cheaper_form, 2, trials=9, seed=2)
    assert again.told == []
    assert len(again.trained) == 1
    assert list(stored(database)) == ["search", "search-2"]
    assert again.trials[: len(now.trials)] == now.trials


def test_the_same_count_again_or_one_that_changes_nothing_makes_no_new_study(tmp_path: Path) -> None:
    database = tmp_path / "study.db"
    before = search(database, by_factors, 1, trials=6)
    same = search(database, by_cheaper_form, 1, trials=6)
    assert same.trials == before.trials
    assert same.counted == []
    relabelled = search(database, by_factors, 2, trials=6)
    assert relabelled.trials == before.trials
    assert relabelled.told == []
    assert {trial.candidate.digest for trial in before.trials} == set(relabelled.counted)
    assert search(database, by_factors, 2, trials=6).counted == []
    assert list(stored(database)) == ["search"]


LIMITS = {"macs": 97e3}
"""Of width 32 rank 3; by factors three of the twelve larger networks are over it."""


@pytest.mark.parametrize("sampler", ["random", "known_cost"])
def test_what_was_over_a_limit_and_fits_now_may_be_proposed_and_the_baseline_is_trained(
    tmp_path: Path, sampler: str
) -> None:
    database = tmp_path / "study.db"
    before = search(database, by_factors, 1, trials=9, limits=LIMITS, sampler=sampler)
    refused = {t.number: t.candidate.digest for t in before.trials if t.state is TrialState.INFEASIBLE}
    assert before.trials[0].baseline == "widest"
    assert 0 in refused
    now = search(database, by_cheaper_form, 2, trials=9, limits=LIMITS, sampler=sampler)
    assert now.trained == [], "as many as were asked for are trained"
    assert {t.number for t in now.trials if t.state is TrialState.UNTRAINED} == set(refused)
    assert all(t.violations == () for t in now.trials)
    assert f"; {len(refused)} that were over a limit are within it now" in now.told[0]
    for frozen in stored(database)["search-2"]:
        assert frozen.system_attrs["constraints:max_macs"] <= 0
    # All 18 networks are within the limit now, so all can be trained, those that were refused among them.
    all_of_them = search(database, by_cheaper_form, 2, trials=18, limits=LIMITS, sampler=sampler)
    assert all_of_them.trained[0].candidate == before.trials[0].candidate, "the baseline first"
    digests = [t.candidate.digest for t in all_of_them.trials if t.state in (TrialState.COMPLETE, TrialState.FAILED)]
    assert len(digests) == len(set(digests)) == 18
    assert [t.number for t in all_of_them.trials if t.baseline == "widest" and t.state is TrialState.COMPLETE]
    assert search(database, by_cheaper_form, 2, trials=18, limits=LIMITS, sampler=sampler).trained == []


def test_what_is_over_a_limit_now_leaves_the_front_and_comes_back_with_its_outcome(tmp_path: Path) -> None:
    database = tmp_path / "study.db"
    cheap = search(database, by_cheaper_form, 1, trials=12, limits=LIMITS, replicates=2)
    over = {t.number for t in cheap.trials if by_factors(t.candidate)["macs"] > LIMITS["macs"]}
    trained = {number for number in over if cheap.trials[number].outcome is not None}
    assert trained & set(cheap.driver.front().trials)
    dear = search(database, by_factors, 2, trials=1, limits=LIMITS)
    assert dear.trained == []
    assert {t.number for t in dear.trials if t.state is TrialState.INFEASIBLE} == over
    assert f"; {len(over)} are over a limit now" in dear.told[0]
    assert not over & set(dear.driver.front().trials)
    for number in over:
        assert dear.trials[number].outcome == cheap.trials[number].outcome
        assert dear.trials[number].violations
    assert dear.driver.handed_out == cheap.driver.handed_out - len(
        [
            number
            for number in trained
            if cheap.trials[number].replicate_of is None and cheap.trials[number].reused_from is None
        ]
    )
    back = search(database, by_cheaper_form, 3, trials=1, limits=LIMITS)
    assert back.trained == []
    assert back.trials == cheap.trials
    assert back.driver.front() == cheap.driver.front()
    assert list(stored(database)) == ["search", "search-2", "search-3"]


def test_a_recount_that_was_killed_in_the_midst_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "study.db"
    before = search(database, by_factors, 1, trials=8, limits=LIMITS)
    add, count = Study.add, 0

    def dies(self: Study, *given: Any) -> None:
        nonlocal count
        count += 1
        if count > 4:
            raise KeyboardInterrupt
        add(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Study, "add", dies)
        with pytest.raises(KeyboardInterrupt):
            search(database, by_cheaper_form, 2, trials=8, limits=LIMITS)
    assert len(stored(database)["search-2"]) == 4
    monkeypatch.setattr("nas.study.study_holder._is_alive", lambda holder: False)
    after = search(database, by_cheaper_form, 2, trials=8, limits=LIMITS)
    assert after.trained == []
    assert_counted_by(by_cheaper_form, after.trials)
    assert [trial.outcome for trial in after.trials] == [trial.outcome for trial in before.trials]
    assert list(stored(database)) == ["search", "search-2"]
    # Killed once more in the midst of another migration, and then counted by a third: nothing is lost on the way.
    count = 0
    with monkeypatch.context() as patch:
        patch.setattr(Study, "add", dies)
        with pytest.raises(KeyboardInterrupt):
            search(database, by_factors, 3, trials=8, limits=LIMITS)
    assert len(stored(database)["search-3"]) == 4
    third = search(database, by_cheaper_form, 4, trials=8, limits=LIMITS)
    assert third.trained == []
    assert_counted_by(by_cheaper_form, third.trials)
    assert third.trials == after.trials


def test_a_study_that_was_killed_before_it_had_an_identity_is_made_again(tmp_path: Path) -> None:
    database = tmp_path / "study.db"
    before = search(database, by_factors, 1, trials=6)
    optuna.create_study(
        study_name="search-2", storage=open_storage(sqlite_url(database)), directions=["maximize", "minimize"]
    )
    after = search(database, by_cheaper_form, 2, trials=6)
    assert after.trained == []
    assert_counted_by(by_cheaper_form, after.trials)
    assert len(after.trials) == len(before.trials)
    assert list(stored(database)) == ["search", "search-2"]


def test_what_was_in_training_goes_on_under_its_number(tmp_path: Path) -> None:
    database = tmp_path / "study.db"
    killed = search(database, by_factors, 1, trials=4, runs=False)
    tasks = [killed.driver.next_task() for _ in range(3)]
    killed.driver.close()
    now = search(database, by_cheaper_form, 2, trials=4)
    assert now.trained[:3] == tasks
    assert_counted_by(by_cheaper_form, now.trials)


@pytest.mark.parametrize(
    "second",
    [Space(WIDER, RANK), Space(WIDTH, RANK, Choice(name="bias", choices=(False, True)), former={"bias": False})],
)
def test_a_space_that_has_grown_and_another_count_come_together(tmp_path: Path, second: Space) -> None:
    database = tmp_path / "study.db"
    before = search(database, by_factors, 1, trials=8, limits=LIMITS)
    after = search(database, by_cheaper_form, 2, trials=8, limits=LIMITS, space=second)
    assert after.trained == []
    assert_counted_by(by_cheaper_form, after.trials)
    assert [trial.outcome for trial in after.trials] == [trial.outcome for trial in before.trials]
    assert [told.split(":")[0].split(" of ")[0] for told in after.told] == ["the space has changed", "multiply-adds"]
    assert all(trial.genotype.keys() == {d.name for d in second.dimensions} for trial in after.trials)
    more = search(database, by_cheaper_form, 2, trials=9, limits=LIMITS, space=second)
    assert len(more.trained) == 1
    assert more.told == []


def test_what_a_sampler_noted_is_kept(tmp_path: Path) -> None:
    database = tmp_path / "study.db"
    search(database, by_factors, 1, trials=8, sampler="nsga2")
    search(database, by_cheaper_form, 2, trials=8, sampler="nsga2")
    old, new = stored(database).values()
    assert any("generation" in key for trial in old for key in trial.system_attrs)
    assert [trial.system_attrs for trial in new] == [trial.system_attrs for trial in old]


@pytest.mark.parametrize("version", [1, 2])
def test_a_candidate_that_is_stated_otherwise_now_is_known_in_both_forms(tmp_path: Path, version: int) -> None:
    """Ranks above four become four: the trials keep what they were, and count as what they are now."""
    database = tmp_path / "study.db"
    before = search(database, by_factors, 1, trials=18, seed=3)
    assert len({trial.candidate.digest for trial in before.trials}) == 18
    costs = by_factors if version == 1 else by_cheaper_form
    space = Space(WIDTH, RANK, canonical_ranks=True)
    after = search(database, costs, version, trials=19, seed=3, space=space)
    assert after.trained == [], "there is no network that was not trained"
    assert [trial.candidate for trial in after.trials[: len(before.trials)]] == [
        trial.candidate for trial in before.trials
    ]

    other = tmp_path / "other.db"
    few = search(other, by_factors, 1, trials=8, seed=3)
    above = {trial.number for trial in few.trials if rank(trial.candidate) > MOST and trial.outcome is not None}
    assert above
    more = search(other, costs, version, trials=12, seed=3, space=space)
    known = {space.canonical(trial.candidate).digest for trial in few.trials}
    assert not known & {task.candidate.digest for task in more.trained}
    repeats = [trial for trial in more.trials[len(few.trials) :] if trial.reused_from in above]
    for trial in repeats:
        assert space.canonical(few.trials[trial.reused_from or 0].candidate) == trial.candidate


def test_a_space_that_has_grown_since_takes_candidates_that_are_stated_otherwise(tmp_path: Path) -> None:
    database = tmp_path / "study.db"
    before = search(database, by_factors, 1, trials=8, seed=3)
    after = search(database, by_cheaper_form, 2, trials=8, seed=3, space=Space(WIDER, RANK, canonical_ranks=True))
    assert after.trained == []
    assert [trial.candidate for trial in after.trials] == [trial.candidate for trial in before.trials]
    assert any(rank(trial.candidate) > MOST for trial in after.trials)


def trial(**given: Any) -> Trial:
    candidate = Candidate(space="nets", architecture={"width": 8, "rank": 6}, training={})
    costs = {**by_factors(candidate), "latency": 3.0}
    return Trial(
        **{"number": 0, "genotype": {}, "candidate": candidate, "state": TrialState.COMPLETE, "costs": costs, **given}
    )


def evaluation(**measured: float) -> Evaluation:
    return Evaluation(
        measurements={name: Measurement(mean=mean) for name, mean in {"accuracy": 50.0, **measured}.items()},
        seconds=1.0,
        epochs=1,
    )


def test_what_was_measured_stays() -> None:
    migrate = CostMigration(by_cheaper_form, {"macs": 30e3, "latency": 4.0}, QUANTITIES)
    assert migrate(trial(outcome=evaluation())).costs == {"macs": 24e3, "params": 8.0, "latency": 3.0}
    decided = trial(outcome=evaluation(macs=40e3, params=7.0))
    assert migrate(decided) is decided, "what its training was aimed at too: the two belong together"
    going_on = replace(decided, state=TrialState.RUNNING)
    assert migrate(going_on).costs["macs"] == 24e3, "its training decides anew, and counts as costs are counted now"


def test_a_limit_on_what_was_measured_goes_on_to_refuse() -> None:
    slow = trial(state=TrialState.INFEASIBLE, violations=("latency 3 ms is over the limit 2 ms",))
    counted = CostMigration(by_cheaper_form, {"macs": 30e3, "latency": 2.0}, QUANTITIES)(slow)
    assert counted.state is TrialState.INFEASIBLE
    assert counted.violations == ("latency 3 ms is over the limit 2 ms",)
    assert counted.costs["macs"] == 24e3


def test_the_line_names_the_costs_that_changed() -> None:
    former = [trial(), trial(costs={"macs": 1.0, "params": 8.0, "memory": 2.0})]
    now = [trial(), trial(costs={"macs": 2.0, "params": 9.0, "memory": 2.5})]
    assert summary(former, now, QUANTITIES).startswith(
        "multiply-adds, parameters and memory of 1 of 2 trials are counted anew"
    )
    assert summary(former, former) == ""
