from __future__ import annotations

import itertools
import math
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from nas.pareto import hypervolume
from nas.records import CURVE, UNTRAINED
from nas.samplers.known_cost import KnownCostSampler
from nas.study.storage import open_storage

Genotype = Mapping[str, Any]
CELLS: dict[str, BaseDistribution] = {f"p{k}": CategoricalDistribution(["a", "b", "c", "d"]) for k in range(4)}
MIXED: dict[str, BaseDistribution] = {
    "width": CategoricalDistribution([8, 16, 32, 64]),
    "rank": IntDistribution(0, 6),
    "lr": FloatDistribution(1e-3, 1.0, log=True),
    "mixer": CategoricalDistribution(["x", "y"]),
}


def cell_cost(genotype: Genotype) -> float:
    return float(math.prod(1 + "abcd".index(genotype[name]) for name in CELLS))


def cell_accuracy(genotype: Genotype) -> float:
    place = ["abcd".index(genotype[name]) for name in CELLS]
    return 60 + 6 * math.sqrt(place[0]) + 3 * place[1] - 2 * (place[2] - 1) ** 2 + (4 if place[3] == place[0] else 0)


def mixed_cost(genotype: Genotype) -> float:
    return float(genotype["width"]) * (1 + 0.1 * int(genotype["rank"]))


def mixed_accuracy(genotype: Genotype) -> float:
    miss = math.log10(genotype["lr"]) + 1
    return 50 + 5 * math.log2(genotype["width"]) - 4 * miss**2 + (2 if genotype["mixer"] == "y" else 0)


def searched(
    sampler: optuna.samplers.BaseSampler,
    trials: int,
    space: Mapping[str, BaseDistribution] = CELLS,
    cost: Callable[[Genotype], float] = cell_cost,
    accuracy: Callable[[Genotype], float] = cell_accuracy,
) -> optuna.Study:
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    for _ in range(trials):
        trial = study.ask(dict(space))
        study.tell(trial, [accuracy(trial.params), cost(trial.params)])
    return study


def params(study: optuna.Study) -> list[tuple[Any, ...]]:
    return [tuple(trial.params[name] for name in sorted(trial.params)) for trial in study.trials]


def share_of_front(study: optuna.Study) -> float:
    """Of the hypervolume of the true front, from (70, the largest cost) on log cost."""
    reference = (-70.0, math.log10(256))

    def volume(pairs: list[tuple[float, float]]) -> float:
        return hypervolume([(-accuracy, math.log10(cost)) for accuracy, cost in pairs], reference)

    every = [dict(zip(CELLS, values, strict=True)) for values in itertools.product("abcd", repeat=4)]
    truth = volume([(cell_accuracy(genotype), cell_cost(genotype)) for genotype in every])
    return volume([tuple(trial.values) for trial in study.trials]) / truth


def test_it_finds_a_front_with_fewer_trials_than_optunas_samplers() -> None:
    ours = np.mean([share_of_front(searched(KnownCostSampler(CELLS, {1: cell_cost}, seed=s), 40)) for s in range(3)])
    assert ours > 0.97
    peers = (
        lambda seed: optuna.samplers.TPESampler(multivariate=True, seed=seed),
        lambda seed: optuna.samplers.NSGAIISampler(population_size=20, seed=seed),
    )
    for peer in peers:
        assert ours > np.mean([share_of_front(searched(peer(seed), 60)) for seed in range(3)])


def test_nothing_is_proposed_twice_until_everything_was_proposed() -> None:
    three = {name: CELLS[name] for name in ("p0", "p1", "p2")}

    def cost(genotype: Genotype) -> float:
        return cell_cost({**genotype, "p3": "a"})

    sampler = KnownCostSampler(three, {1: cost}, seed=0)
    study = searched(sampler, 64, three, cost, lambda genotype: cell_accuracy({**genotype, "p3": "a"}))
    assert len(set(params(study))) == 64


def test_what_was_refused_and_fits_now_counts_as_never_proposed() -> None:
    """Half of 16 networks."""
    space = {name: CELLS[name] for name in ("p0", "p1")}

    def cost(genotype: Genotype) -> float:
        return cell_cost({"p2": "a", "p3": "a", **genotype})

    def accuracy(genotype: Genotype) -> float:
        return cell_accuracy({"p2": "a", "p3": "a", **genotype})

    study = optuna.create_study(directions=["maximize", "minimize"], sampler=KnownCostSampler(space, {1: cost}, seed=0))
    for values in itertools.product("ab", "abcd"):
        study.add_trial(
            optuna.trial.create_trial(
                state=TrialState.FAIL,
                params=dict(zip(space, values, strict=True)),
                distributions=space,
                user_attrs={UNTRAINED: True},
            )
        )
    for _ in range(16):
        trial = study.ask(space)
        study.tell(trial, [accuracy(trial.params), cost(trial.params)])
    assert len(set(params(study)[8:])) == 16


def test_limits_are_kept() -> None:
    sampler = KnownCostSampler(CELLS, {1: cell_cost}, {1: 20.0}, seed=0)
    assert max(trial.values[1] for trial in searched(sampler, 40).trials) <= 20


def test_a_limit_on_a_cost_that_is_no_objective_is_kept() -> None:
    def letters(genotype: Mapping[str, Any]) -> float:
        return list(genotype.values()).count("d")

    sampler = KnownCostSampler(CELLS, {1: cell_cost, "letters": letters}, {"letters": 1}, seed=0)
    assert max(list(trial.params.values()).count("d") for trial in searched(sampler, 40).trials) == 1


@pytest.mark.parametrize("space", ["cells", "mixed"])
def test_equal_seeds_give_equal_studies_and_others_give_others(space: str) -> None:
    def study(seed: int) -> list[tuple[Any, ...]]:
        if space == "cells":
            return params(searched(KnownCostSampler(CELLS, {1: cell_cost}, seed=seed), 25))
        sampler = KnownCostSampler(MIXED, {1: mixed_cost}, seed=seed)
        return params(searched(sampler, 25, MIXED, mixed_cost, mixed_accuracy))

    assert study(1) == study(1)
    assert study(1) != study(2)


def test_mixed_decisions_stay_in_their_domains_and_get_better() -> None:
    study = searched(KnownCostSampler(MIXED, {1: mixed_cost}, seed=0), 50, MIXED, mixed_cost, mixed_accuracy)
    for trial in study.trials:
        assert all(MIXED[name]._contains(MIXED[name].to_internal_repr(value)) for name, value in trial.params.items())
    best = max(study.trials, key=lambda trial: trial.values[0])
    assert best.values[0] > 81.5  # 82 is the most there is


def test_a_study_reloaded_in_another_process_goes_on_as_it_would_have(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    program = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
import optuna
from test_sampler import CELLS, cell_accuracy, cell_cost
from nas.samplers.known_cost import KnownCostSampler
study = optuna.create_study(storage={url!r}, study_name="s", load_if_exists=True, directions=["maximize", "minimize"],
                            sampler=KnownCostSampler(CELLS, {{1: cell_cost}}, seed=3))
for _ in range(int(sys.argv[1])):
    trial = study.ask(CELLS)
    study.tell(trial, [cell_accuracy(trial.params), cell_cost(trial.params)])
"""
    for count in (14, 3):
        subprocess.run([sys.executable, "-c", program, str(count)], check=True, capture_output=True)
    reloaded = optuna.load_study(storage=open_storage(url), study_name="s")
    assert params(reloaded) == params(searched(KnownCostSampler(CELLS, {1: cell_cost}, seed=3), 17))


def test_what_runs_is_not_proposed_again_in_small_batches_and_large_ones() -> None:
    study = searched(KnownCostSampler(CELLS, {1: cell_cost}, seed=0), 20)
    for _ in range(60):
        study.ask(dict(CELLS))
    assert len(set(params(study))) == 80


def test_a_proposal_beside_running_ones_differs_from_theirs_in_more_than_chance() -> None:
    study = searched(KnownCostSampler(MIXED, {1: mixed_cost}, seed=0), 20, MIXED, mixed_cost, mixed_accuracy)
    asked = [study.ask(dict(MIXED)).params for _ in range(6)]
    assert len({(each["width"], each["rank"], each["mixer"]) for each in asked}) >= 4


def test_failures_lower_what_is_expected_nearby() -> None:
    def proposals_with(kind: str, *, failing: bool) -> int:
        study = optuna.create_study(directions=["maximize", "minimize"])
        study.sampler = KnownCostSampler(MIXED, {1: mixed_cost}, seed=0)
        for _ in range(40):
            trial = study.ask(dict(MIXED))
            if failing and trial.params["mixer"] == kind:
                study.tell(trial, state=TrialState.FAIL)
            else:
                study.tell(trial, [mixed_accuracy(trial.params), mixed_cost(trial.params)])
        return sum(trial.params["mixer"] == kind for trial in study.trials[12:])

    assert proposals_with("y", failing=True) < 0.4 * proposals_with("y", failing=False)


def test_stopped_trials_count_by_their_curves() -> None:
    """All that is known of the mixer y comes from stopped trials, which were ahead after one epoch."""

    def proposals_of_y(*, ahead: float) -> int:
        study = optuna.create_study(directions=["maximize", "minimize"])
        study.sampler = KnownCostSampler(MIXED, {1: mixed_cost}, seed=0)
        rng = np.random.default_rng(0)
        for k in range(24):
            mixer = "xy"[k % 2]
            genotype = {
                "width": int(rng.choice([8, 16, 32, 64])),
                "rank": int(rng.integers(7)),
                "lr": 0.1,
                "mixer": mixer,
            }
            final = mixed_accuracy({**genotype, "mixer": "x"})
            curve = {"1": final - 20 + (ahead if mixer == "y" else 0)}
            complete = mixer == "x"
            study.add_trial(
                optuna.create_trial(
                    params=genotype,
                    distributions=dict(MIXED),
                    values=[final, mixed_cost(genotype)] if complete else None,
                    state=TrialState.COMPLETE if complete else TrialState.PRUNED,
                    user_attrs={CURVE: curve},
                )
            )
        return sum(study.ask(dict(MIXED)).params["mixer"] == "y" for _ in range(8))

    assert proposals_of_y(ahead=4.0) >= 7
    assert proposals_of_y(ahead=-4.0) <= 2


def test_a_lucky_value_is_not_believed_where_repeats_were_worse() -> None:
    """Without repeats the candidate with the lucky value is the top of the front; with them it is worth their mean."""

    def believed_best(repeats: tuple[float, ...]) -> float:
        sampler = KnownCostSampler(CELLS, {1: cell_cost}, seed=0)
        study = searched(sampler, 12)
        lucky = study.trials[3]
        for value in (95.0, *repeats):
            values = [value, lucky.values[1]]
            study.add_trial(optuna.create_trial(params=lucky.params, distributions=dict(CELLS), values=values))
        study.ask(dict(CELLS))
        assert sampler._search is not None
        surrogate = sampler._search._surrogates.fit(sampler._search._observations, kriging_believer=False)
        return float(surrogate._staircase.levels.max())

    best = max(trial.values[0] for trial in searched(KnownCostSampler(CELLS, {1: cell_cost}, seed=0), 12).trials)
    assert believed_best(()) > best + 1
    assert believed_best((60.0, 61.0, 60.5, 62.0, 61.5)) < believed_best(()) - 1


@pytest.mark.parametrize(
    ("costs", "limits", "message"),
    [
        ({0: cell_cost, 1: cell_cost}, {}, "at least one must be learned"),
        ({"flops": cell_cost}, {}, "a cost of 'flops'"),
        ({1: cell_cost}, {"params": 1.0}, "a limit of 'params', whose cost is not given"),
    ],
)
def test_what_does_not_fit_the_study_is_refused(costs: Any, limits: Any, message: str) -> None:
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=KnownCostSampler(CELLS, costs, limits))
    with pytest.raises(ValueError, match=message):
        study.ask(dict(CELLS)).suggest_categorical("p0", ["a", "b", "c", "d"])
