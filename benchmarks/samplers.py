"""Compares samplers by the front they find, on a table of trained networks or on a mixed conditional space.

    python -m benchmarks.samplers --table nas-bench-macro_cifar10.json --accuracy mean_acc --cost flops --out macro.csv
    python -m benchmarks.samplers --table mixed --noise 0.3 --out mixed.csv

The score is the share of the true front's hypervolume, on log cost, from the median accuracy and the largest cost of the
table; the same on linear cost and from the worst accuracy is given as well. Trials count distinct networks: a sampler that
asks for a network again gets its answer for free. `NAME+start` begins with the ten networks, spread over the costs, with
which known_cost begins. The results of finished runs are kept in the CSV file, and the same command continues.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
from optuna.samplers import BaseSampler
from tqdm import tqdm

from benchmarks.botorch_peer import BoTorchSampler
from benchmarks.command import command
from benchmarks.searched_spaces import Problem, mixed_problem, table_problem
from evaluator.machine import this_machine
from nas.errors import SettingsError, unknown_name
from nas.output.atomic_file import write_atomically
from nas.samplers.known_cost import KnownCostSampler
from nas.samplers.known_cost.sampler import STARTS
from nas.samplers.stratified import StratifiedCostSampler
from nas.search.problem import SearchProblem
from nas.table import Table

MARKS = (30, 50, 100, 200)
MOST_ASKS = 30
"""A sampler that only repeats itself is stopped after so many asks for one distinct trial."""


def _known_cost(problem: Problem, seed: int) -> BaseSampler:
    return KnownCostSampler(problem.space, {1: problem.cost}, seed=seed)


def _random_logbins(problem: Problem, seed: int) -> BaseSampler:
    searched = SearchProblem(
        space=problem.space, costs=lambda candidate: {"macs": problem.cost(_genotype(problem, candidate.architecture))},
        limits={}, seed=seed,
    )  # fmt: skip
    return StratifiedCostSampler(searched, seed)


def _genotype(problem: Problem, active: Mapping[str, object]) -> dict[str, object]:
    """A genotype with these decisions; those without an effect have arbitrary values."""
    return {dimension.name: active.get(dimension.name) for dimension in problem.space.dimensions}


SAMPLERS: dict[str, Callable[[Problem, int], BaseSampler]] = {
    "known_cost": _known_cost,
    "gp": lambda problem, seed: optuna.samplers.GPSampler(
        n_startup_trials=10, warn_independent_sampling=False, seed=seed
    ),
    "tpe": lambda problem, seed: optuna.samplers.TPESampler(multivariate=True, n_startup_trials=10, seed=seed),
    "nsga2": lambda problem, seed: optuna.samplers.NSGAIISampler(population_size=20, seed=seed),
    "botorch": BoTorchSampler,
    "random": lambda problem, seed: optuna.samplers.RandomSampler(seed=seed),
    "random_logbins": _random_logbins,
}


def run(problem: Problem, name: str, seed: int, trials: int) -> pd.DataFrame:
    """One search, with a row for each distinct candidate."""
    plain = name.removesuffix("+start")
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=SAMPLERS[plain](problem, seed))
    if plain != name:
        for genotype in starts(problem, seed):
            study.enqueue_trial(genotype)
    rng = np.random.default_rng(seed)
    seen: dict[str, float] = {}
    found: list[tuple[float, float]] = []
    rows: list[dict[str, object]] = []
    spent = 0.0
    for _ in range(MOST_ASKS * trials):
        begin = time.perf_counter()
        trial = study.ask(problem.distributions)
        spent += time.perf_counter() - begin
        key, cost = problem.key(trial.params), problem.cost(trial.params)
        if key not in seen:
            seen[key] = problem.observe(trial.params, rng)
            found.append((problem.accuracy(trial.params), cost))
            scores = {"score": problem.score(found), "linear": problem.score_linear(found)}
            rows.append({"sampler": name, "seed": seed, "trial": len(found), **scores, "seconds": spent})
            spent = 0.0
        study.tell(trial, [seen[key], cost])
        if len(found) == trials:
            break
    return pd.DataFrame(rows)


def starts(problem: Problem, seed: int) -> list[dict[str, object]]:
    """The candidates with which known_cost begins."""
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=_known_cost(problem, seed))
    return [dict(study.ask(problem.distributions).params) for _ in range(STARTS)]


def make_problem(options: argparse.Namespace) -> Problem:
    """The problem that is searched."""
    if options.table == "mixed":
        return mixed_problem(options.noise)
    return table_problem(
        Table.load(options.table), Path(options.table).stem, options.accuracy, options.cost, options.draws
    )


def _run_named(options: argparse.Namespace, name: str, seed: int) -> pd.DataFrame:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    return run(make_problem(options), name, seed, options.trials)


def summary(runs: pd.DataFrame, trials: int) -> str:
    """One line per sampler, as a table in Markdown."""
    marks = [mark for mark in MARKS if mark < trials] + [trials]
    ours = runs[runs["sampler"] == "known_cost"].groupby("trial")["score"].mean()
    lines = [
        f"| sampler | {' | '.join(map(str, marks))} | linear, {marks[-1]} | s an ask | known_cost passes it after |"
    ]
    lines.append("|---" * (len(marks) + 4) + "|")
    for name in dict.fromkeys(runs["sampler"]):
        own = runs[runs["sampler"] == name]
        cells = [_mean_and_spread(own[own["trial"] == mark]["score"]) for mark in marks]
        linear = _mean_and_spread(own[own["trial"] == marks[-1]]["linear"])
        reached = own[own["trial"] == trials]["score"].mean()
        passed = ours.index[ours > reached]
        after = "" if name == "known_cost" else str(passed[0]) if len(passed) else f"more than {trials}"
        lines.append(f"| {name} | {' | '.join(cells)} | {linear} | {own['seconds'].mean():.3f} | {after} |")
    return "\n".join(lines)


def _mean_and_spread(values: pd.Series[float]) -> str:
    return f"{values.mean():.3f} ± {0.0 if len(values) < 2 else values.std() / math.sqrt(len(values)):.3f}"


@command(continues=True)
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", required=True, help="A JSON file, coding to metrics; or mixed.")
    parser.add_argument("--accuracy", default="mean_acc", help="Metric to be maximized.")
    parser.add_argument("--cost", default="flops", help="Metric to be minimized.")
    parser.add_argument("--draws", help="Metric that lists several accuracies, of which each trial sees one.")
    parser.add_argument("--noise", type=float, default=0.0, help="mixed: standard deviation of what a trial sees.")
    parser.add_argument("--trials", type=int, default=200, help="Distinct candidates.")
    parser.add_argument("--seeds", type=int, default=10)
    usual = ",".join(name for name in SAMPLERS if name != "botorch")
    parser.add_argument(
        "--samplers",
        default=usual,
        help=f"Of {', '.join(SAMPLERS)} (botorch needs the extra 'peers'), each also +start.",
    )
    parser.add_argument("--workers", type=int, default=2, help="Searches at the same time.")
    parser.add_argument("--out", required=True, help="CSV file, a row for each candidate of each search.")
    options = parser.parse_args(argv)
    names = [name.strip() for name in options.samplers.split(",")]
    for name in names:
        if name.removesuffix("+start") not in SAMPLERS:
            raise SettingsError("--samplers: " + unknown_name("sampler", name, SAMPLERS))
        SAMPLERS[name.removesuffix("+start")](make_problem(options), 0)
    runs = _all_runs(options, names)
    print(f"{this_machine(1)}\n\n{summary(runs, options.trials)}")
    return 0


def _all_runs(options: argparse.Namespace, names: Sequence[str]) -> pd.DataFrame:
    out = Path(options.out)
    setting = f"{options.table} {options.accuracy} {options.cost} {options.draws} {options.noise} {options.trials}"
    there = pd.DataFrame()
    if out.exists():
        there = pd.read_csv(out)
        if "setting" not in there or set(there["setting"]) != {setting}:
            raise SettingsError(f"--out {out} holds other runs; give another file")
    done = set() if there.empty else set(zip(there["sampler"], there["seed"], strict=True))
    missing = [(name, seed) for seed in range(options.seeds) for name in names if (name, seed) not in done]
    with ProcessPoolExecutor(options.workers) as pool:
        futures = [pool.submit(_run_named, options, name, seed) for name, seed in missing]
        for future in tqdm(as_completed(futures), total=len(futures), desc="searches", unit="search"):
            facts = {"setting": setting, "date": datetime.now(UTC).date().isoformat(), "machine": str(this_machine(1))}
            there = pd.concat((there, future.result().assign(**facts)), ignore_index=True)
            write_atomically(out, there.to_csv(index=False).encode())
    chosen = there["sampler"].isin(names) & (there["seed"] < options.seeds)
    return pd.DataFrame(there[chosen])


if __name__ == "__main__":
    sys.exit(main())
