"""What trained candidates are expected to give: checked against a function that is known, under noise that is known."""

from __future__ import annotations

import numpy as np

from nas.dimensions import Choice
from nas.pareto import ParetoFront
from nas.records import Evaluation, Failure, FailureKind, Measurement, Trial, TrialState
from nas.search.estimates import LEAST_CANDIDATES, MOST_CANDIDATES, Estimates
from nas.search.front import GrowingFront, front_of
from nas.simple_space import SimpleSpace
from tests.toy_search import toy_objectives

SPACE = SimpleSpace("cells", *(Choice(name=f"p{k}", choices=("a", "b", "c", "d")) for k in range(4)))
NOISE = 1.0


def true_accuracy(genotype: dict[str, str]) -> float:
    return 60.0 + sum(2.0 * "abcd".index(genotype[f"p{k}"]) for k in range(4))


def cost(genotype: dict[str, str]) -> float:
    return 1000.0 * (1 + sum("abcd".index(genotype[f"p{k}"]) * (k + 1) for k in range(4)))


def trained(number: int, genotype: dict[str, str], accuracy: float, first: int | None = None) -> Trial:
    measurement = Measurement(mean=accuracy)
    return Trial(
        number=number,
        genotype=genotype,
        candidate=SPACE.decode(genotype),
        state=TrialState.COMPLETE,
        costs={"macs": cost(genotype)},
        outcome=Evaluation(measurements={"accuracy": measurement}, seconds=1.0, epochs=1),
        replicate_of=first,
    )


def noisy_search(count: int, seed: int = 0) -> list[Trial]:
    rng = np.random.default_rng(seed)
    cells = rng.permutation(256)[:count]
    genotypes = [{f"p{k}": "abcd"[cell // 4**k % 4] for k in range(4)} for cell in cells.tolist()]
    return [
        trained(number, genotype, true_accuracy(genotype) + NOISE * rng.standard_normal())
        for number, genotype in enumerate(genotypes)
    ]


def truth(trial: Trial) -> float:
    return true_accuracy(dict(trial.genotype))  # type: ignore[arg-type]


def optimism(front: ParetoFront, trials: list[Trial]) -> float:
    return float(np.mean([values[0] - truth(trials[n]) for n, values in zip(front.trials, front.values, strict=True)]))


def true_volume(front: ParetoFront, trials: list[Trial]) -> float:
    values = {n: {"accuracy": truth(trials[n]), "macs": trials[n].costs["macs"]} for n in front.trials}
    return front_of(toy_objectives(), values).hypervolume


def test_the_front_is_nearer_to_the_truth_than_the_observed_one_and_worth_more() -> None:
    searches = [noisy_search(80, seed) for seed in range(8)]
    estimates = [Estimates(SPACE, toy_objectives(), trials) for trials in searches]
    observed = [optimism(each.observed_front, trials) for each, trials in zip(estimates, searches, strict=True)]
    expected = [optimism(each.front, trials) for each, trials in zip(estimates, searches, strict=True)]
    assert np.mean(observed) > 0.5 * NOISE
    assert abs(np.mean(expected)) < 0.5 * np.mean(observed)
    gains = [
        true_volume(each.front, trials) - true_volume(each.observed_front, trials)
        for each, trials in zip(estimates, searches, strict=True)
    ]
    assert min(gains) >= 0
    assert sum(gain > 0 for gain in gains) > len(gains) / 2


def test_a_lucky_candidate_falls_from_the_front_when_it_is_trained_again() -> None:
    trials = noisy_search(60)
    lucky = max(trials, key=lambda trial: trial.costs["macs"])
    trials[lucky.number] = trained(lucky.number, dict(lucky.genotype), truth(lucky) + 6.0)  # type: ignore[arg-type]
    before = Estimates(SPACE, toy_objectives(), trials).by_number[lucky.number]
    again = [
        trained(60 + k, dict(lucky.genotype), truth(lucky) - 0.5, first=lucky.number)  # type: ignore[arg-type]
        for k in range(3)
    ]
    after = Estimates(SPACE, toy_objectives(), [*trials, *again]).by_number[lucky.number]
    assert (before.trainings, after.trainings) == (1, 4)
    assert after.mean < before.mean
    assert abs(after.mean - truth(lucky)) < abs(before.mean - truth(lucky))


def test_with_few_candidates_each_is_expected_to_be_what_it_showed() -> None:
    trials = noisy_search(LEAST_CANDIDATES - 1)
    estimates = Estimates(SPACE, toy_objectives(), trials)
    assert [estimates.by_number[trial.number].mean for trial in trials] == [t.values()["accuracy"] for t in trials]
    assert estimates.front == estimates.observed_front
    assert estimates.least_certain() == list(estimates.front.trials)


def test_only_what_was_trained_to_its_end_counts() -> None:
    trials = noisy_search(20)
    failed = Failure(kind=FailureKind.DIVERGED, message="loss is nan")
    partial = trained(21, {f"p{k}": "d" for k in range(4)}, 99.0)
    stopped = Trial(**{**{f: getattr(partial, f) for f in partial.__slots__}, "state": TrialState.STOPPED})
    broken = Trial(
        **{**{f: getattr(partial, f) for f in partial.__slots__}, "state": TrialState.FAILED, "outcome": failed}
    )
    assert (
        Estimates(SPACE, toy_objectives(), [*trials, stopped, broken]).front
        == Estimates(SPACE, toy_objectives(), trials).front
    )


def test_whose_place_is_certain_comes_last_or_not_at_all() -> None:
    trials = noisy_search(80)
    estimates = Estimates(SPACE, toy_objectives(), trials)
    order = estimates.least_certain()
    assert set(order) >= set(estimates.front.trials[:1])
    hopeless = min(trials, key=lambda t: t.values()["accuracy"] - t.costs["macs"] / 1000)
    assert hopeless.number not in order[:20]


def test_more_trials_than_the_model_takes_keep_what_was_observed_away_from_the_front() -> None:
    trials = noisy_search(256)
    doubled = trials + [trained(256 + t.number, dict(t.genotype), t.values()["accuracy"] - 20.0) for t in trials]  # type: ignore[arg-type]
    estimates = Estimates(SPACE, toy_objectives(), doubled)
    assert len(estimates.by_number) == 512 > MOST_CANDIDATES
    assert sum(each.error is None for each in estimates.by_number.values()) > 100
    assert all(number < 256 for number in estimates.front.trials)


def test_a_growing_front_is_the_front_of_all_that_came() -> None:
    rng = np.random.default_rng(0)
    growing, seen = GrowingFront(toy_objectives()), {}
    for number in range(200):
        seen[number] = {"accuracy": float(rng.integers(10, 40)), "macs": float(rng.integers(1, 30)) * 1e5}
        growing.add(number, seen[number])
        assert growing.front == front_of(toy_objectives(), seen)
