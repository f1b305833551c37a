"""What a front is really worth if accuracies are noisy, depending on how it is chosen.

    python -m benchmarks.honest_front --table nas-bench-macro_cifar10.json --accuracy mean_acc --cost flops --draws test_acc
    python -m benchmarks.honest_front --table mixed --noise 0.3

It runs whole searches with the driver of a real search, where a training sees a noisy accuracy. The worth of a front is the
score of `benchmarks.samplers` by the true accuracies, which is the share of the true front's hypervolume. It also reports
the mean error of the values that the front shows for its members.
"""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
import pandas as pd
from tqdm import tqdm

from benchmarks.command import command
from benchmarks.samplers import make_problem
from benchmarks.searched_spaces import Problem
from evaluator.machine import this_machine
from nas.objectives import Direction, Objective, ObjectiveKind
from nas.pareto import ParetoFront
from nas.ports import Tell
from nas.records import Evaluation, Measurement, Outcome, Task, TrialState
from nas.search.estimates import Estimates
from nas.search.own_search import make_driver, search_in_process

OBJECTIVES = (
    Objective(name="accuracy", direction=Direction.MAXIMIZE, kind=ObjectiveKind.LEARNED, unit="%", reference=10.0),
    Objective(name="macs", direction=Direction.MINIMIZE, kind=ObjectiveKind.KNOWN, unit="", reference=1e12, log=True),
)


class NoisyEvaluator:
    """Gives each training, that is, each candidate and seed, a noisy accuracy."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem

    def evaluate(self, task: Task, progress: Tell) -> Outcome:
        """Returns the noisy accuracy at once."""
        rng = np.random.default_rng([int(task.candidate.digest, 16), task.seed])
        accuracy = self._problem.observe(_genotype(task.candidate.architecture, self._problem), rng)
        return Evaluation(measurements={"accuracy": Measurement(mean=accuracy)}, seconds=1.0, epochs=1)


def _genotype(architecture: Any, problem: Problem) -> dict[str, Any]:
    """A genotype of a candidate; decisions without an effect have arbitrary values."""
    return {dimension.name: architecture.get(dimension.name, _any(dimension)) for dimension in problem.space.dimensions}


def _any(dimension: Any) -> Any:
    return dimension.choices[0] if hasattr(dimension, "choices") else dimension.low


def run(problem: Problem, sampler: str, trials: int, replicates: int, seed: int) -> list[dict[str, Any]]:
    """One search, with a row for each way to choose its front."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.disable(logging.INFO)
    warnings.simplefilter("ignore")
    driver = make_driver(
        problem.space,
        OBJECTIVES,
        lambda candidate: {"macs": problem.cost(_genotype(candidate.architecture, problem))},
        trials=trials,
        sampler=sampler,
        seed=seed,
        replicates=replicates,
    )
    search_in_process(driver, NoisyEvaluator(problem))
    trained = [trial for trial in driver.trials if trial.state is TrialState.COMPLETE]
    true = {
        trial.number: (problem.accuracy(_genotype(trial.candidate.architecture, problem)), trial.costs["macs"])
        for trial in trained
        if trial.replicate_of is None
    }
    estimates = Estimates(problem.space, OBJECTIVES, driver.trials)

    def row(name: str, front: ParetoFront) -> dict[str, Any]:
        said = [accuracy - true[number][0] for number, (accuracy, _) in zip(front.trials, front.values, strict=True)]
        return {
            "front": name,
            "trainings": len(trained),
            "worth": problem.score([true[number] for number in front.trials]),
            "optimism": float(np.mean(said)),
            "members": len(front),
        }

    everything = {
        "front": "all that were trained",
        "trainings": len(trained),
        "worth": problem.score(list(true.values())),
    }
    shown = [everything, row("observed", estimates.observed_front), row("expected", estimates.front)]
    return [{"replicates": replicates, "seed": seed, **each} for each in shown]


def summary(rows: pd.DataFrame) -> str:
    """One line per way, with mean and standard error over seeds, as a table in Markdown."""
    lines = [
        "| trainings of a member | trained in all | front | worth | optimism, points | members |",
        "|---|---|---|---|---|---|",
    ]
    for (replicates, front), own in rows.groupby(["replicates", "front"], sort=False):
        cells = [_mean(own[name]) for name in ("worth", "optimism")]
        size = own["members"].mean()
        counted = "" if np.isnan(size) else f"{size:.0f}"
        lines.append(f"| {replicates} | {own['trainings'].mean():.0f} | {front} | {' | '.join(cells)} | {counted} |")
    return "\n".join(lines)


def _mean(values: pd.Series[float]) -> str:
    if values.isna().all():
        return ""
    return f"{values.mean():.3f} ± {values.std() / len(values) ** 0.5:.3f}"


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", required=True, help="A JSON file, coding to metrics; or mixed.")
    parser.add_argument("--accuracy", default="mean_acc", help="Metric that is the true accuracy.")
    parser.add_argument("--cost", default="flops", help="Metric to be minimized.")
    parser.add_argument("--draws", help="Metric that lists several accuracies, of which a training sees one.")
    parser.add_argument("--noise", type=float, default=0.3, help="mixed: standard deviation of what a training sees.")
    parser.add_argument("--sampler", default="known_cost")
    parser.add_argument("--trainings", type=int, default=100, help="Candidates of the search that trains each once.")
    parser.add_argument("--replicates", type=int, default=3, help="The other search's trainings of a member.")
    parser.add_argument("--share", type=float, default=0.7, help="The other search's candidates, as a share.")
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args(argv)
    problem = make_problem(options)
    plans = [(options.trainings, 1), (round(options.share * options.trainings), options.replicates)]
    rows = [
        row
        for seed in tqdm(range(options.seeds), unit="seed")
        for trials, replicates in plans
        for row in run(problem, options.sampler, trials, replicates, seed)
    ]
    print(f"{this_machine(1)}\n\n{summary(pd.DataFrame(rows))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
