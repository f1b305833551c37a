"""What pausing trainings saves, on recorded curves of real trainings, with the driver and engine of a search.

    python -m benchmarks.early_stopping --table benchmarks/tables/shufflenet_v2_cifar10.json --seeds 20

The table is that of `benchmarks.record_curves`, with every network's accuracy after each epoch. The score is the share of
the true front's hypervolume, on log multiply-adds and from the median accuracy, where only networks count that were trained
to their end. A policy is a sampler and a rule; `SAMPLER` alone trains everything to its end, which for equal epochs means
fewer networks.
"""

from __future__ import annotations

import argparse
import logging
import math
import sys
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from tqdm import tqdm

from benchmarks.command import command
from benchmarks.record_curves import coding_of, recorded_space
from benchmarks.searched_spaces import table_problem
from evaluator.machine import this_machine
from nas.early_stopping import RULES
from nas.engines.virtual_time import VirtualTimeEngine
from nas.errors import SettingsError, unknown_name
from nas.objectives import Direction, Objective, ObjectiveKind
from nas.pareto import non_dominated
from nas.ports import Tell
from nas.records import Evaluation, Measurement, Outcome, Task, TrialState
from nas.samplers import SAMPLERS
from nas.search.driver import Driver
from nas.search.own_search import make_driver
from nas.table import Table

POLICIES = "random,random+bound,random+rank_halving,random_logbins,known_cost,known_cost+bound,tpe"
SHARES = (0.1, 0.2, 0.4, 0.6, 1.0)
"""Shares of the epochs of training everything to its end after which scores are shown."""


class CurveEvaluator:
    """Gives each candidate its recorded curve."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def evaluate(self, task: Task, progress: Tell) -> Outcome:
        """Returns the whole curve at once; the engine reveals it step by step."""
        row = self._table[coding_of(task.candidate)]
        curve = [{"epoch": epoch, "accuracy": accuracy} for epoch, accuracy in enumerate(row["curve"], start=1)]
        return Evaluation(
            measurements={"accuracy": Measurement(mean=row["accuracy"])},
            seconds=float(len(curve)),
            epochs=len(curve),
            details={"curve": curve},
        )


def searched(table: Table, policy: str, seed: int, trials: int) -> Driver:
    """A search that is ready to run."""
    sampler, _, stopping = policy.partition("+")
    epochs = len(next(iter(table.rows.values()))["curve"])
    objectives = (
        Objective(name="accuracy", direction=Direction.MAXIMIZE, kind=ObjectiveKind.LEARNED, unit="%", reference=10.0),
        Objective(
            name="macs", direction=Direction.MINIMIZE, kind=ObjectiveKind.KNOWN, unit="", reference=1e9, log=True
        ),
    )
    costs = table.column("macs")
    return make_driver(
        recorded_space(table),
        objectives,
        lambda candidate: {"macs": costs[coding_of(candidate)]},
        trials=trials,
        epochs=epochs,
        sampler=sampler,
        seed=seed,
        stopping=stopping or "none",
    )


def run(table: Table, policy: str, trials: int, seed: int) -> dict[str, Any]:
    """One search: its score by epochs spent, and the members of the true front that it stopped, by kind."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.disable(logging.INFO)
    warnings.simplefilter("ignore")
    problem = table_problem(table, "curves", "accuracy", "macs")
    driver, engine = searched(table, policy, seed, trials), VirtualTimeEngine(CurveEvaluator(table))
    steps: list[tuple[int, float]] = []
    found: list[tuple[float, float]] = []
    known: set[int] = set()

    def look() -> None:
        for trial in driver.trials:
            if trial.state is TrialState.COMPLETE and trial.number not in known:
                known.add(trial.number)
                found.append((trial.values()["accuracy"], trial.costs["macs"]))
                steps.append((engine.epochs, problem.score(found)))

    engine.run(driver, look)
    front = true_front(table)
    killed = [
        driver.space.portrait(trial.candidate).kind
        for trial in driver.trials
        if trial.state is TrialState.STOPPED and coding_of(trial.candidate) in front
    ]
    tried = [
        driver.space.portrait(trial.candidate).kind for trial in driver.trials if coding_of(trial.candidate) in front
    ]
    return {"policy": policy, "seed": seed, "steps": steps, "epochs": engine.epochs, "killed": killed, "tried": tried}


def true_front(table: Table) -> set[str]:
    """Codings of the networks that no other dominates."""
    accuracies, costs = table.column("accuracy"), table.column("macs")
    codings = list(accuracies)
    return {codings[k] for k in non_dominated([(-accuracies[each], costs[each]) for each in codings])}


def score_at(run: dict[str, Any], epochs: float) -> float:
    """The score after so many epochs."""
    reached = [score for spent, score in run["steps"] if spent <= epochs]
    return reached[-1] if reached else 0.0


def summary(runs: Sequence[dict[str, Any]], full: int) -> str:
    """One line per policy, as a table in Markdown; `full` is the number of epochs of training everything to its end."""
    shares = " | ".join(f"{share:.0%} of the epochs" for share in SHARES)
    lines = [f"| policy | {shares} | end | epochs spent | front members stopped |"]
    lines.append("|---" * (len(SHARES) + 4) + "|")
    for policy in dict.fromkeys(run["policy"] for run in runs):
        own = [run for run in runs if run["policy"] == policy]
        cells = [_mean([score_at(run, share * full) for run in own]) for share in SHARES]
        end, spent = _mean([run["steps"][-1][1] for run in own]), np.mean([run["epochs"] for run in own]) / full
        killed, tried = (Counter(kind for run in own for kind in run[name]) for name in ("killed", "tried"))
        stopped = ", ".join(f"{kind} {killed[kind] / count:.0%}" for kind, count in sorted(tried.items()) if killed)
        lines.append(f"| {policy} | {' | '.join(cells)} | {end} | {spent:.0%} | {stopped or 'none'} |")
    return "\n".join(lines)


def passing(runs: Sequence[dict[str, Any]], policy: str, score: float) -> list[float]:
    """The epochs after which each search of a policy has this score; infinite if it never has."""
    return [
        next((spent for spent, reached in run["steps"] if reached >= score), math.inf)
        for run in runs
        if run["policy"] == policy
    ]


def _mean(values: Sequence[float]) -> str:
    series = pd.Series(values)
    error = series.std() / math.sqrt(len(series)) if len(series) > 1 else 0.0
    return f"{series.mean():.3f} ± {error:.3f}"


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", required=True, help="JSON of benchmarks.record_curves.")
    parser.add_argument("--trials", type=int, default=200, help="Distinct networks a search begins to train.")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--policies", default=POLICIES, help="SAMPLER or SAMPLER+RULE, comma-separated.")
    parser.add_argument("--workers", type=int, default=2, help="Searches at the same time.")
    options = parser.parse_args(argv)
    policies = [policy.strip() for policy in options.policies.split(",")]
    for policy in policies:
        sampler, _, rule = policy.partition("+")
        if sampler not in SAMPLERS:
            raise SettingsError("--policies: " + unknown_name("sampler", sampler, SAMPLERS))
        if rule and rule not in RULES:
            raise SettingsError("--policies: " + unknown_name("stopping rule", rule, RULES))
    table = Table.load(Path(options.table))
    jobs = [(policy, seed) for seed in range(options.seeds) for policy in policies]
    with ProcessPoolExecutor(options.workers) as pool:
        made = pool.map(partial(_job, table, options.trials), jobs)
        runs = list(tqdm(made, total=len(jobs), desc="searches", unit="search"))
    full = options.trials * len(next(iter(table.rows.values()))["curve"])
    print(f"{this_machine(1)}\n\n{summary(runs, full)}")
    if "tpe" in policies:
        target = float(np.mean([run["steps"][-1][1] for run in runs if run["policy"] == "tpe"]))
        for policy in policies:
            epochs = [each / full for each in passing(runs, policy, target)]
            there = [each for each in epochs if math.isfinite(each)]
            after = f", after a median of {np.median(epochs):.0%} of the epochs" if len(there) * 2 > len(epochs) else ""
            print(f"{policy}: {len(there)} of {len(epochs)} searches reach the {target:.3f} that tpe ends with{after}")
    return 0


def _job(table: Table, trials: int, job: tuple[str, int]) -> dict[str, Any]:
    return run(table, job[0], trials, job[1])


if __name__ == "__main__":
    sys.exit(main())
